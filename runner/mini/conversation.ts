// The conversation of `mini` on disk: one JSON line per message, only ever appended to, so that every request repeats the one
// before it byte for byte and continues where the last process ended. Knows nothing of any protocol.

import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'

export interface Conversation<M> {
  /** What has been said, in order. */
  readonly messages: readonly M[]
  /** On disk when it returns. */
  readonly append: (message: M) => void
}

/** Messages are what this program wrote itself; a last line that a killed process left half-written is dropped. */
export function openConversation<M>(file: string): Conversation<M> {
  mkdirSync(dirname(file), { recursive: true })
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const messages: M[] = whole.split('\n').flatMap((line, index) => (line === '' ? [] : [parseMessage<M>(line, file, index + 1)]))
  if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole))
  return {
    messages,
    append: message => {
      const line = JSON.stringify(message)
      appendFileSync(file, `${line}\n`)
      // Read back from its own line: the next process will send exactly this.
      messages.push(JSON.parse(line) as M)
    },
  }
}

function parseMessage<M>(line: string, file: string, number: number): M {
  try {
    return JSON.parse(line) as M
  } catch (error) {
    throw new TurnpikeError('E_AGENT_FAILED', `${file}:${number}: is no JSON message`, { cause: error })
  }
}
