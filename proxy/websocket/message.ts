// What the relay must know of a message: whether it asks for an answer, which stream it belongs to, whether it ends an answer, and our own
// refusal as a message. Pure; total on any bytes. What a message means beyond that is for protocols/.

import type { TurnpikeError } from '../../core/errors.ts'
import type { Json, JsonObject } from '../../core/types.ts'
import type { ProtocolAdapter } from '../../protocols/_adapter.ts'
import { writeRefusal } from '../refuse.ts'
import type { SocketMessage } from './link.ts'

export interface AskedMessage {
  /** False for acknowledgements, cancellations and whatever else is no request for an answer. */
  readonly wantsAnswer: boolean
  /** Several answers may run at once, each on a stream of its own. */
  readonly streamId: string | null
}

/** A message of the agent. Without a protocol nobody knows what is asked: all that follows belongs to it. */
export function readAsked({ payload }: SocketMessage, protocol: ProtocolAdapter | null): AskedMessage {
  if (protocol === null) return { wantsAnswer: true, streamId: null }
  const message = readObject(payload)
  return { wantsAnswer: message?.['type'] === 'response.create', streamId: textOf(message?.['stream_id']) }
}

const streamIdKey = Buffer.from('"stream_id"')

/** The stream a message of the provider belongs to. Nearly all have none and are not parsed for it. */
export function readStreamId({ payload }: SocketMessage): string | null {
  return payload.includes(streamIdKey) ? textOf(readObject(payload)?.['stream_id']) : null
}

/** The answer a message belongs to: that of its stream where it names one, else the one asked for first. */
export function findAsked<T extends { readonly streamId: string | null }>(open: readonly T[], message: SocketMessage): T | null {
  if (open.length === 0) return null
  const streamId = readStreamId(message)
  const ofStream = streamId === null ? undefined : open.find(asked => asked.streamId === streamId)
  return ofStream ?? open.find(asked => streamId === null || asked.streamId === null) ?? null
}

export function endsAnswer({ payload }: SocketMessage, protocol: ProtocolAdapter): boolean {
  return protocol.isTerminal({ event: '', data: payload.toString('utf8') })
}

/** Our failure as the provider's socket sends its own: an error event with the status and headers a plain answer would have. */
export function writeRefusalMessage(
  protocol: ProtocolAdapter | null,
  error: TurnpikeError,
  streamId: string | null,
): { readonly status: number; readonly message: SocketMessage } {
  const { status, headers, body } = writeRefusal(protocol, error)
  const event = {
    type: 'error',
    ...(streamId === null ? {} : { stream_id: streamId }),
    status,
    ...(JSON.parse(body.toString('utf8')) as JsonObject),
    headers: Object.fromEntries(headers.filter(([name]) => !name.startsWith('content-'))),
  }
  return { status, message: { payload: Buffer.from(JSON.stringify(event)), binary: false } }
}

function readObject(payload: Buffer): JsonObject | null {
  try {
    const value = JSON.parse(payload.toString('utf8')) as Json
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
  } catch {
    return null // passed on as it is; the provider says what is wrong with it
  }
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null
}
