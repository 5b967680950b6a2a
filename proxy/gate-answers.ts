// Answers the gate gives in a provider's stead: to what never became an exchange, and to exchanges that are refused or cannot reach
// their upstream. What is answered is committed first, like everything else. Also the note of each exchange that is over.

import type http from 'node:http'
import { asTurnpikeError, type TurnpikeError } from '../core/errors.ts'
import type { EpochMs } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import type { Ending } from './answer.ts'
import type { Arrived } from './arrived.ts'
import type { Receiver } from './receive.ts'
import type { Recording } from './record.ts'
import { sendRefusal, writeRefusal } from './refuse.ts'

/** What the gate tells its surroundings of each exchange, for metrics and logs. */
export interface ExchangeNote {
  readonly protocol: string | null
  readonly outcome: string
  readonly status: number | null
  readonly code: string | null
  readonly ms: number
  readonly requestBytes: number
  readonly responseBytes: number
}

/** The part of the gate that answering needs. */
export interface AnsweringGate {
  readonly receiver: Receiver
  readonly now: () => EpochMs
  readonly onOver: (note: ExchangeNote) => void
}

/** For what never became an exchange: a body that did not arrive, an unknown token, a store that cannot be written. */
export function refuseUnrecorded(
  gate: AnsweringGate,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  protocol: ProtocolAdapter | null,
  startedAt: EpochMs,
  error: TurnpikeError,
): void {
  const refusal = writeRefusal(protocol, error)
  // The rest of an oversized body is not worth reading: answer and close.
  if (!request.complete) response.setHeader('connection', 'close')
  if (error.code === 'E_CLIENT_ABORTED') response.destroy()
  else if (request.complete) sendRefusal(response, refusal)
  else {
    response.writeHead(refusal.status, Object.fromEntries(refusal.headers))
    response.end(refusal.body, () => request.destroy())
  }
  const ms = gate.now() - startedAt
  gate.onOver({
    protocol: protocol?.id ?? null,
    outcome: 'refused',
    status: refusal.status,
    code: error.code,
    ms,
    requestBytes: 0,
    responseBytes: 0,
  })
}

/** An agent that gives up on an injected stall has aborted; that the stall was ours must not be lost. */
export function addNote(failure: Ending['failure'], note: Ending['failure']): Ending['failure'] {
  if (failure === null || note === null || failure.code === note.code) return failure ?? note
  return { code: failure.code, message: `${failure.message} (${note.code}: ${note.message})` }
}

export async function answerOurselves(
  gate: AnsweringGate,
  arrived: Arrived,
  recording: Recording,
  error: TurnpikeError,
  outcome: 'refused' | 'upstream-refused',
): Promise<void> {
  const refusal = writeRefusal(arrived.protocol, error)
  const at = gate.now()
  recording.append(Buffer.from(refusal.body), at)
  const failure = { code: error.code, message: error.message }
  const ending: Ending = {
    status: refusal.status,
    responseHeaders: refusal.headers,
    outcome,
    failure,
    firstByteAt: at,
    endedAt: at,
  }
  try {
    await recording.end(ending, 0)
    sendRefusal(arrived.response, refusal)
  } catch (failed) {
    sendRefusal(arrived.response, writeRefusal(arrived.protocol, asTurnpikeError(failed)))
  } finally {
    gate.receiver.release(arrived.body.length)
    noteOver(gate, arrived, ending, refusal.body.length)
  }
}

export function noteOver(gate: AnsweringGate, arrived: Arrived, ending: Ending, responseBytes: number): void {
  gate.onOver({
    protocol: arrived.protocol?.id ?? null,
    outcome: ending.outcome,
    status: ending.status,
    code: ending.failure?.code ?? null,
    ms: ending.endedAt - arrived.startedAt,
    requestBytes: arrived.body.length,
    responseBytes,
  })
}
