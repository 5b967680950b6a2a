// A request that has arrived whole: the data every step of the gate works on, and what can be read off it. Pure.

import type http from 'node:http'
import zlib from 'node:zlib'
import type { EpochMs, HeaderList } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import type { Addressed } from './attribute.ts'
import { headerValue } from './headers.ts'
import { findModel, findModelInPath, type ModelPlace } from './model.ts'

export interface Arrived {
  readonly id: string
  readonly startedAt: EpochMs
  readonly request: http.IncomingMessage
  readonly response: http.ServerResponse
  readonly headers: HeaderList
  readonly addressed: Addressed
  readonly protocol: ProtocolAdapter | null
  readonly body: Uint8Array
}

export interface AskedModel {
  readonly model: string | null
  /** Where it stands in the body as sent; null when it stands elsewhere or the body is compressed. */
  readonly place: ModelPlace | null
}

/** Decoded bytes looked at to find a model in a compressed body. */
const decodedBytesMax = 128 * 1024 * 1024

export function askedModel(arrived: Arrived): AskedModel {
  const encoding = headerValue(arrived.headers, 'content-encoding')?.toLowerCase() ?? 'identity'
  if (encoding === 'identity') {
    const place = findModel(arrived.body)
    return { model: place?.model ?? findModelInPath(arrived.addressed.path), place }
  }
  const decoded = decodeBody(arrived.body, encoding)
  const found = decoded === null ? null : findModel(decoded)
  return { model: found?.model ?? findModelInPath(arrived.addressed.path), place: null }
}

export function decodeBody(body: Uint8Array, encoding: string): Uint8Array | null {
  try {
    if (encoding === 'gzip' || encoding === 'x-gzip') return zlib.gunzipSync(body, { maxOutputLength: decodedBytesMax })
    if (encoding === 'deflate') return zlib.inflateSync(body, { maxOutputLength: decodedBytesMax })
    if (encoding === 'br') return zlib.brotliDecompressSync(body, { maxOutputLength: decodedBytesMax })
    return null
  } catch {
    return null // not what it claims to be, or too large to look into: routed as if it named no model
  }
}
