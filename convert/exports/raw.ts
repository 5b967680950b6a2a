// Everything the store has of each exchange, in files that need no Turnpike to be read: index.jsonl with one exchange a line, and the
// bytes of each body in a file of its own. `turnpike import` reads it back.

import { createHash } from 'node:crypto'
import type { HeaderList, JsonObject } from '../../core/types.ts'
import type { Arrival } from '../../store/_adapter.ts'
import type { ExportedBody, ExportedExchange, ExportFormat, ExportTarget } from './_adapter.ts'

export default {
  id: 'raw',
  title: 'one directory: index.jsonl, and the exact bytes of each body in a file',
  writes: 'directory',
  loses: null,
  write,
} satisfies ExportFormat

async function write(exchanges: AsyncIterable<ExportedExchange>, target: ExportTarget): Promise<number> {
  const index = await target.openFile('index.jsonl')
  let count = 0
  try {
    for await (const exported of exchanges) {
      count += 1
      const number = String(count).padStart(4, '0')
      const request = await writeBody(exported.request, `${number}-request.bin`, target)
      const response = await writeBody(exported.response, `${number}-response.bin`, target)
      await index.write(`${JSON.stringify(writeLine(exported, request, response))}\n`)
    }
  } finally {
    await index.close()
  }
  return count
}

async function writeBody(body: ExportedBody | null, name: string, target: ExportTarget): Promise<JsonObject> {
  if (body === null || body.bytes.length === 0) return { file: null }
  const file = await target.openFile(name)
  await file.write(body.bytes).finally(file.close)
  return {
    file: name,
    bytes: body.bytes.length,
    sha256: createHash('sha256').update(body.bytes).digest('hex'),
    sent_sha256: body.sentSha256,
    ...(body.masked.length > 0 ? { masked: body.masked } : {}),
    ...(body.decodedFrom === null ? {} : { decoded_from: body.decodedFrom }),
  }
}

function writeLine(
  { exchange, scopeName, arrivals, scrubbed }: ExportedExchange,
  request: JsonObject,
  response: JsonObject,
): JsonObject {
  const answered = exchange.responseHeaders !== null || response['file'] !== null
  return {
    turnpike_raw: 1,
    id: exchange.id,
    session: scopeName,
    scope: exchange.scope.kind,
    turn: exchange.turn,
    attempt: exchange.attempt,
    protocol: exchange.protocol,
    route: exchange.route,
    method: exchange.method,
    path: exchange.path,
    query: exchange.query,
    status: exchange.status,
    outcome: exchange.outcome,
    failure: exchange.failure,
    provider_request_id: exchange.providerRequestId,
    retries: exchange.retries,
    started_at: exchange.startedAt,
    first_byte_at: exchange.firstByteAt,
    ended_at: exchange.endedAt,
    ...(scrubbed ? { scrubbed } : {}),
    request: { headers: writeHeaders(exchange.requestHeaders), ...request },
    response: answered
      ? {
          headers: writeHeaders(exchange.responseHeaders ?? []),
          ...response,
          ...(arrivals.length > 0 ? { arrivals: writeArrivals(arrivals, exchange.startedAt) } : {}),
        }
      : null,
  }
}

function writeHeaders(headers: HeaderList): string[][] {
  return headers.map(([name, value]) => [name, value])
}

/** Differences in microseconds' resolution: the clock has no more. */
function writeArrivals(arrivals: readonly Arrival[], startedAt: number): number[][] {
  let before = startedAt
  return arrivals.map(({ at, bytes }) => {
    const later = Math.round((at - before) * 1000) / 1000
    before += later
    return [later, bytes]
  })
}
