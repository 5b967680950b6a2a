// One message of the agent and the messages that answer it, as an exchange of method WS: begun (committed) before the message is forwarded,
// its answer kept as frames of the `websocket` framing. Owns the record of one exchange; knows no sockets.

import type { TurnpikeError } from '../../core/errors.ts'
import type { EpochMs, Exchange, HeaderList } from '../../core/types.ts'
import { webSocketFraming, writeMessage } from '../../protocols/_framing-websocket.ts'
import type { ExchangeEnd } from '../../store/_adapter.ts'
import { createUlid } from '../../store/ulid.ts'
import type { ForwardedExchange } from '../forward.ts'
import type { GateOptions } from '../gate.ts'
import { type RecordedRequest, type Recording, startRecording } from '../record.ts'
import type { Route } from '../routes.ts'
import type { ResolvedScope } from '../scopes.ts'
import type { Handshake } from './handshake.ts'
import type { Link, Linker, SocketMessage } from './link.ts'

/** What a gate needs for WebSockets beside what it has for requests. */
export interface SocketGate extends Omit<GateOptions, 'receiver' | 'forwarder'> {
  readonly linker: Linker
  readonly messageBytesMax: number
  readonly draining: () => boolean
  /** An exchange has begun; `onOver` is called once for each. */
  readonly onStarted: () => void
}

/** What all messages of a socket have in common. */
export interface SocketContext {
  readonly gate: SocketGate
  readonly handshake: Handshake
  readonly route: Route
}

/** How an exchange ended; `status` is 200 when an answer came to its end, null when none did. */
export interface Ended {
  readonly status: number | null
  readonly outcome: ExchangeEnd['outcome']
  readonly failure: Exchange['failure']
}

export const answered: Ended = { status: 200, outcome: 'complete', failure: null }
/** For what asks for no answer. */
export const unanswered: Ended = { status: null, outcome: 'complete', failure: null }

export function brokenOff(outcome: 'client-aborted' | 'upstream-cut', code: TurnpikeError['code'], message: string): Ended {
  return { status: null, outcome, failure: { code, message } }
}

export interface MessageExchange {
  readonly forwarded: ForwardedExchange
  readonly streamId: string | null
  /** Records a message of the answer; what comes back is the same message, to be passed on without another copy. */
  readonly append: (message: SocketMessage) => SocketMessage
  /** Resolves when all is committed. Call once. */
  readonly end: (ended: Ended) => Promise<void>
}

export interface BeginMessage {
  readonly payload: Buffer
  readonly streamId: string | null
  readonly wantsAnswer: boolean
  readonly startedAt: EpochMs
}

const responseHeaders: HeaderList = [['content-type', webSocketFraming.contentType]]

/** Commits the message. Rejects when the store cannot be written, unless passing unrecorded was asked for. */
export async function beginExchange(
  context: SocketContext,
  asked: BeginMessage,
  resolved: ResolvedScope,
  noteOf: Link['note'],
): Promise<MessageExchange> {
  const { gate, handshake, route } = context
  const { headers, addressed, protocol } = handshake
  const { startedAt, payload: body } = asked
  const recorded: RecordedRequest = {
    id: createUlid(),
    startedAt,
    method: 'WS',
    headers,
    addressed,
    protocol,
    body,
    noCall: !asked.wantsAnswer,
  }
  const recording = await startRecording(gate, recorded, resolved, route.name)
  const { scope, turn, attempt } = resolved
  const { path, query } = addressed
  const { id } = recorded
  const forwarded = { id, scope, turn, attempt, protocol, route: route.name, method: 'WS', path, query, headers, body }
  return exchangeOf(gate, recording, { forwarded, streamId: asked.streamId, startedAt }, () => noteOf?.(id) ?? null)
}

function exchangeOf(
  gate: SocketGate,
  recording: Recording,
  begun: { readonly forwarded: ForwardedExchange; readonly streamId: string | null; readonly startedAt: EpochMs },
  note: () => Exchange['failure'],
): MessageExchange {
  let firstByteAt: EpochMs | null = null
  let responseBytes = 0
  const { forwarded, startedAt } = begun
  return {
    ...begun,
    append: message => {
      const at = gate.now()
      if (firstByteAt === null) recording.head({ status: null, responseHeaders, firstByteAt: at })
      firstByteAt ??= at
      const frame = writeMessage(message)
      responseBytes += frame.length
      recording.append(frame, at)
      return { ...message, payload: frame.subarray(frame.length - message.payload.length) }
    },
    end: async ended => {
      const endedAt = gate.now()
      const failure = ended.failure ?? note()
      const answer = { status: ended.status, responseHeaders: firstByteAt === null ? null : responseHeaders, firstByteAt }
      try {
        await recording.end({ ...answer, outcome: ended.outcome, failure, endedAt }, 0)
      } finally {
        gate.onOver({
          protocol: forwarded.protocol?.id ?? null,
          outcome: ended.outcome,
          status: ended.status,
          code: failure?.code ?? null,
          ms: endedAt - startedAt,
          requestBytes: forwarded.body.length,
          responseBytes,
        })
      }
    },
  }
}
