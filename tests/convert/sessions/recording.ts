// A simulated scope as bytes, written by a proxy into a real store; the spelling of the requests changes as real clients change it.

import type { SourceCall } from '../../../convert/source.ts'
import type { Json, JsonObject } from '../../../core/types.ts'
import { writeSse } from '../../../protocols/_sse.ts'
import anthropicMessages from '../../../protocols/anthropic-messages.ts'
import type { Store } from '../../../store/_adapter.ts'
import type { Random } from './random.ts'

/** The request's bytes: a text is a string or a list, keys stand in any order, marks move. */
export function writeRequestBytes({ conversation }: SourceCall, random: Random): Buffer {
  const body = anthropicMessages.writeRequest(conversation) as JsonObject
  const messages = (body['messages'] as readonly JsonObject[]).map(message => {
    const content = respell(message['content'] ?? null, random)
    return random.chance(20) ? { content, role: message['role'] ?? null } : { ...message, content }
  })
  return Buffer.from(JSON.stringify({ ...body, messages }, null, random.chance(10) ? 1 : undefined))
}

function respell(content: Json, random: Random): Json {
  if (typeof content === 'string') return random.chance(50) ? [{ type: 'text', text: content }] : content
  const [first, ...more] = content as readonly JsonObject[]
  const plain =
    first !== undefined && more.length === 0 && Object.keys(first).sort().join() === 'text,type' && first['type'] === 'text'
  return plain && random.chance(50) ? (first['text'] ?? null) : content
}

function writeAnswerBytes({ answer }: SourceCall): { readonly bytes: Buffer; readonly type: string } {
  if (answer === null || answer.message.blocks.length === 0)
    return {
      bytes: Buffer.from(JSON.stringify(anthropicMessages.writeError(529, 'overloaded_error', 'busy'))),
      type: 'application/json',
    }
  if (answer.complete)
    return { bytes: Buffer.from(JSON.stringify(anthropicMessages.writeResponse(answer))), type: 'application/json' }
  const events = [...anthropicMessages.writeEvents({ ...answer, complete: true })].map(writeSse)
  // Without its last two events an answer has arrived, but not its end.
  return { bytes: Buffer.from(events.slice(0, -2).join('')), type: 'text/event-stream' }
}

/** Gives the request bytes of each call as they were sent. */
export async function recordSession(
  store: Store,
  calls: readonly SourceCall[],
  scopeId: string,
  random: Random,
): Promise<Map<string, Buffer>> {
  const sent = new Map<string, Buffer>()
  for (const call of calls) {
    const { id, startedAt, endedAt } = call.exchange
    const request = writeRequestBytes(call, random)
    sent.set(id, request)
    await store.recorder.begin({
      id,
      scope: { kind: 'session', id: scopeId },
      turn: null,
      attempt: null,
      protocol: 'anthropic-messages',
      route: null,
      method: 'POST',
      path: '/v1/messages',
      query: '',
      requestHeaders: [['content-type', 'application/json']],
      requestBody: request,
      startedAt,
      secrets: [],
    })
    const { bytes, type } = writeAnswerBytes(call)
    store.recorder.append(id, bytes, startedAt)
    const cut = call.answer !== null && call.answer.message.blocks.length > 0 && !call.answer.complete
    await store.recorder.end(id, {
      status: type === 'text/event-stream' || call.answer?.complete === true ? 200 : 529,
      responseHeaders: [['content-type', type]],
      outcome: cut ? 'upstream-cut' : 'complete',
      failure: cut ? { code: 'E_UPSTREAM_CUT', message: 'the connection was closed' } : null,
      providerRequestId: null,
      retries: 0,
      firstByteAt: startedAt,
      endedAt: endedAt ?? startedAt,
    })
  }
  return sent
}
