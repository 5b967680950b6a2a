// Reads a request body to its end and as JSON: bounded, decoded when the client compressed it. Throws TurnpikeErrors only.

import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { TurnpikeError } from '../../core/errors.ts'
import { requestBodyBytesMax } from '../../core/limits.ts'
import type { Json, JsonObject } from '../../core/types.ts'
import { decompressZstd } from '../../core/zstd.ts'

const decoders = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: async (bytes: Buffer, { maxOutputLength }: { readonly maxOutputLength: number }) =>
    decompressZstd(bytes, maxOutputLength),
} as const

/** E_BAD_REQUEST when it is no JSON object, E_BODY_TOO_LARGE beyond the limit, E_CLIENT_ABORTED when the client went away. */
export async function readJsonBody(request: IncomingMessage): Promise<JsonObject> {
  const bytes = await decodeBody(await readBody(request), request.headers['content-encoding'])
  let value: Json
  try {
    value = JSON.parse(bytes.toString('utf8')) as Json
  } catch (cause) {
    throw new TurnpikeError('E_BAD_REQUEST', 'the request body is not valid JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TurnpikeError('E_BAD_REQUEST', 'the request body is not a JSON object')
  }
  return value as JsonObject
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  try {
    // Not destroyed on an early exit: the refusal still has to be written.
    for await (const part of request.iterator({ destroyOnReturn: false })) {
      const bytes = part as Buffer
      size += bytes.length
      if (size > requestBodyBytesMax) {
        throw new TurnpikeError('E_BODY_TOO_LARGE', `the request body is larger than ${requestBodyBytesMax} bytes`)
      }
      parts.push(bytes)
    }
  } catch (cause) {
    if (cause instanceof TurnpikeError) throw cause
    throw new TurnpikeError('E_CLIENT_ABORTED', 'the client went away before its request was complete', { cause })
  }
  return Buffer.concat(parts, size)
}

async function decodeBody(bytes: Buffer, encoding: string | undefined): Promise<Buffer> {
  const name = (encoding ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || name === '') return bytes
  const decode = Object.entries(decoders).find(([known]) => known === name)?.[1]
  if (!decode)
    throw new TurnpikeError('E_BAD_REQUEST', `content-encoding "${name}" is not understood; gzip, deflate, br and zstd are`)
  try {
    return await decode(bytes, { maxOutputLength: requestBodyBytesMax })
  } catch (cause) {
    throw new TurnpikeError('E_BAD_REQUEST', `the request body is not valid ${name}`, { cause })
  }
}
