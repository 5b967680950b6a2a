// The Agent Client Protocol: JSON-RPC on the pipes of one process. Allows whatever the agent asks to be allowed, and offers it no files and no
// terminal: it works in the environment with its own tools, as it does without us.

import {
  type AnyMessage,
  client,
  methods,
  type NewSessionRequest,
  PROTOCOL_VERSION,
  type SessionNotification,
} from '@agentclientprotocol/sdk'
import { outputCharsMax } from '../../core/limits.ts'
import { createCappedText } from '../capped-text.ts'
import type { RunningCommand } from '../environments/_adapter.ts'
import type { DialoguePlace } from './_driver.ts'
import { readLines } from './_lines.ts'
import type { PromptEnd, ServedProtocol, ServedTalk } from './_served.ts'

export const acp: ServedProtocol = { driver: 'acp', open: openTalk }

function openTalk(command: RunningCommand, { environment }: DialoguePlace): ServedTalk {
  let output = createCappedText(outputCharsMax)
  const say = (text: string): void => output.push(Buffer.from(text))
  const connection = connect(command, say)
  const { agent } = connection
  let session: string | null = null
  let asking = 0
  const place: NewSessionRequest = { cwd: environment.workspace, mcpServers: [] }

  const begin = async (wanted: string | null) => {
    const { agentCapabilities } = await agent.request(methods.agent.initialize, {
      protocolVersion: PROTOCOL_VERSION,
      clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
    })
    if (wanted !== null && agentCapabilities?.loadSession === true) {
      const loaded = await agent.request(methods.agent.session.load, { sessionId: wanted, ...place }).then(
        () => true,
        () => false,
      )
      // It repeats what was said before: no output of this request.
      output = createCappedText(outputCharsMax)
      if (loaded) {
        session = wanted
        return { session, resumed: true }
      }
    }
    session = (await agent.request(methods.agent.session.new, place)).sessionId
    return { session, resumed: false }
  }

  const prompt = async (text: string): Promise<PromptEnd> => {
    asking++
    try {
      const { stopReason } = await agent.request(methods.agent.session.prompt, {
        sessionId: session ?? '',
        prompt: [{ type: 'text', text }],
      })
      return { exit: stopReason === 'cancelled' ? 1 : 0, message: stopReason === 'end_turn' ? '' : `stopped: ${stopReason}` }
    } finally {
      asking--
    }
  }

  return {
    begin,
    prompt,
    cancel: () => {
      if (session !== null) void agent.notify(methods.agent.session.cancel, { sessionId: session }).catch(() => undefined)
    },
    takeOutput: () => {
      const text = output.text()
      output = createCappedText(outputCharsMax)
      return text
    },
    isIdle: () => asking === 0 && session !== null,
    session: () => session,
  }
}

function connect(command: RunningCommand, say: (text: string) => void) {
  const asked = new Set<unknown>()
  const readable = new ReadableStream<AnyMessage>({
    start: controller => {
      let isOpen = true
      readLines(command.stdout, {
        onMessage: message => {
          // Answers to what nobody asked are babble: passed on, they would be complained about on our own standard error.
          if (message['method'] === undefined && !asked.has(message['id'])) say(`${JSON.stringify(message)}\n`)
          else if (isOpen) controller.enqueue(message as unknown as AnyMessage)
        },
        onText: line => say(`${line}\n`),
        onEnd: () => {
          isOpen = false
          controller.close()
        },
      })
    },
  })
  const writable = new WritableStream<AnyMessage>({
    write: message =>
      new Promise(resolve => {
        if ('method' in message && 'id' in message) asked.add(message.id)
        // A pipe that is gone is noticed by the end of the process.
        command.stdin.write(`${JSON.stringify(message)}\n`, () => resolve())
      }),
  })
  return client({ name: 'turnpike' })
    .onRequest(methods.client.session.requestPermission, ({ params }) => {
      const chosen = params.options.find(option => option.kind.startsWith('allow')) ?? params.options[0]
      if (chosen === undefined) return { outcome: { outcome: 'cancelled' } }
      say(`[allowed] ${params.toolCall.title ?? params.toolCall.toolCallId}\n`)
      return { outcome: { outcome: 'selected', optionId: chosen.optionId } }
    })
    .onNotification(methods.client.session.update, ({ params }) => say(describeUpdate(params)))
    .connect({ readable, writable })
}

/** What the agent did, as lines a person can read; its bytes on the wire are in the record. */
function describeUpdate({ update }: SessionNotification): string {
  switch (update.sessionUpdate) {
    case 'agent_message_chunk':
      return update.content.type === 'text' ? update.content.text : `[${update.content.type}]`
    case 'tool_call':
      return `\n[tool] ${update.title}\n`
    case 'tool_call_update':
      return update.status === 'failed' ? `[tool failed] ${update.title ?? update.toolCallId}\n` : ''
    default:
      return ''
  }
}
