// A request that has arrived whole: the data every step of the gate works on, and what can be read off it. Pure.

import type http from 'node:http'
import { readEncoding, undoEncodings } from '../core/encodings.ts'
import type { EpochMs, HeaderList } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import type { Addressed } from './attribute.ts'
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
  /** The host an intercepted request was meant for; absent for requests to the proxy itself. */
  readonly origin?: URL
}

export interface AskedModel {
  readonly model: string | null
  /** Where it stands in the body as sent; null when it stands elsewhere or the body is compressed. */
  readonly place: ModelPlace | null
}

/** Decoded bytes looked at to find a model in a compressed body. */
const decodedBytesMax = 128 * 1024 * 1024

export function askedModel(arrived: Arrived): AskedModel {
  const encoding = readEncoding(arrived.headers)
  if (encoding === null) {
    const place = findModel(arrived.body)
    return { model: place?.model ?? findModelInPath(arrived.addressed.path), place }
  }
  // What does not decode, or is too large to look into, is routed as if it named no model.
  const { buffer, byteOffset, byteLength } = arrived.body
  const decoded = undoEncodings(Buffer.from(buffer, byteOffset, byteLength), encoding, decodedBytesMax)
  const found = 'reason' in decoded ? null : findModel(decoded.bytes)
  return { model: found?.model ?? findModelInPath(arrived.addressed.path), place: null }
}
