// One process that takes requests as lines of JSON and ends each with a line of the type `result`: Claude Code's `--input-format stream-json`.

import { randomUUID } from 'node:crypto'
import { outputCharsMax } from '../../core/limits.ts'
import { createCappedText } from '../capped-text.ts'
import type { RunningCommand } from '../environments/_adapter.ts'
import type { DialoguePlace } from './_driver.ts'
import { readLines } from './_lines.ts'
import type { PromptEnd, ServedProtocol, ServedTalk } from './_served.ts'

export const streamJson: ServedProtocol = { driver: 'stream-json', open: openTalk }

function openTalk(command: RunningCommand, { agent, context }: DialoguePlace): ServedTalk {
  let output = createCappedText(outputCharsMax)
  const argvOf = (wanted: string | null): string => JSON.stringify(agent.serve?.('stream-json', context, wanted).argv)
  let session: string | null = null
  let settle: ((end: PromptEnd) => void) | null = null
  const send = (message: object): void => void command.stdin.write(`${JSON.stringify(message)}\n`)

  readLines(command.stdout, {
    onMessage: message => {
      output.push(Buffer.from(`${JSON.stringify(message)}\n`))
      if (typeof message['session_id'] === 'string') session = message['session_id']
      if (message['type'] !== 'result') return
      // `subtype` says success of failures too.
      settle?.(message['is_error'] === true ? { exit: 1, message: 'it says that it failed' } : { exit: 0, message: '' })
      settle = null
    },
    onText: line => output.push(Buffer.from(`${line}\n`)),
    onEnd: () => undefined,
  })

  return {
    // The session to go on with stands in the arguments of the process; that it was not found shows in the first answer.
    begin: async wanted => ({ session: wanted, resumed: wanted !== null && argvOf(wanted) !== argvOf(null) }),
    prompt: text =>
      new Promise(resolve => {
        settle = resolve
        send({ type: 'user', message: { role: 'user', content: text } })
      }),
    cancel: () => send({ type: 'control_request', request_id: randomUUID(), request: { subtype: 'interrupt' } }),
    takeOutput: () => {
      const text = output.text()
      output = createCappedText(outputCharsMax)
      return text
    },
    isIdle: () => settle === null,
    session: () => session,
  }
}
