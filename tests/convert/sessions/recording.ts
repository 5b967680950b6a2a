// A simulated scope as bytes, written by a proxy into a real store; the spelling of the requests changes as real clients change it.

import type { SourceCall } from '../../../convert/source.ts'
import type { Json, JsonObject } from '../../../core/types.ts'
import type { ProtocolAdapter } from '../../../protocols/_adapter.ts'
import { protocolById } from '../../../protocols/_all.ts'
import { writeSse } from '../../../protocols/_sse.ts'
import type { Store } from '../../../store/_adapter.ts'
import type { Random } from './random.ts'

/** The request's bytes: a text is a string or a list, keys stand in any order, marks move. */
function writeRequestBytes({ conversation }: SourceCall, protocol: ProtocolAdapter, random: Random): Buffer {
  const body = protocol.writeRequest(conversation) as JsonObject
  const list = body['messages'] as readonly JsonObject[] | undefined
  const messages = list?.map(message => {
    if (message['role'] === 'tool' || message['role'] === 'assistant') return message
    const content = respell(message['content'] ?? null, random)
    return random.chance(20) ? { content, role: message['role'] ?? null } : { ...message, content }
  })
  return Buffer.from(
    JSON.stringify(messages === undefined ? body : { ...body, messages }, null, random.chance(10) ? 1 : undefined),
  )
}

function respell(content: Json, random: Random): Json {
  if (typeof content === 'string') return random.chance(50) ? [{ type: 'text', text: content }] : content
  const [first, ...more] = content as readonly JsonObject[]
  const plain =
    first !== undefined && more.length === 0 && Object.keys(first).sort().join() === 'text,type' && first['type'] === 'text'
  return plain && random.chance(50) ? (first['text'] ?? null) : content
}

function writeAnswerBytes({ answer }: SourceCall, protocol: ProtocolAdapter): { readonly bytes: Buffer; readonly type: string } {
  if (answer === null || answer.message.blocks.length === 0)
    return {
      bytes: Buffer.from(JSON.stringify(protocol.writeError(529, 'overloaded_error', 'busy'))),
      type: 'application/json',
    }
  if (answer.complete) return { bytes: Buffer.from(JSON.stringify(protocol.writeResponse(answer))), type: 'application/json' }
  const events = [...protocol.writeEvents({ ...answer, complete: true })].map(writeSse)
  // Without its last two events an answer has arrived, but not its end.
  return { bytes: Buffer.from(events.slice(0, -2).join('')), type: 'text/event-stream' }
}

/** Gives the request bytes of each call as they were sent. */
export async function recordSession(
  store: Store,
  calls: readonly SourceCall[],
  scopeId: string,
  random: Random,
  protocolId: string,
): Promise<Map<string, Buffer>> {
  const sent = new Map<string, Buffer>()
  const protocol = protocolById(protocolId)
  if (protocol === null) throw new Error(`no protocol ${protocolId}`)
  for (const call of calls) {
    const { id, startedAt, endedAt } = call.exchange
    const request = writeRequestBytes(call, protocol, random)
    sent.set(id, request)
    await store.recorder.begin({
      id,
      scope: { kind: 'session', id: scopeId },
      turn: null,
      attempt: null,
      protocol: protocolId,
      route: null,
      method: 'POST',
      ...protocol.addressOf(call.conversation),
      requestHeaders: [['content-type', 'application/json']],
      requestBody: request,
      startedAt,
      secrets: [],
    })
    const { bytes, type } = writeAnswerBytes(call, protocol)
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
