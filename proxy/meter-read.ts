// The answer in the bytes of a response, whole or cut: content-encodings undone, framing found, events folded by the protocol.
// Pure and total. The same steps as decoding takes, so that what is metered is what is reported.

import { readEncoding, undoEncodings } from '../core/encodings.ts'
import type { Answer, HeaderList, Json } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import { readEvents } from '../protocols/_framing.ts'
import { findFraming } from '../protocols/_framings.ts'
import { headerValue } from './headers.ts'

/** An answer that unfolds to more is charged as unknown: the meter must never be what fills the memory. */
const decodedBytesMax = 64 * 1024 * 1024

/** null = there is no answer of a model in it. */
export function readMetered(
  protocol: ProtocolAdapter,
  headers: HeaderList | null,
  bytes: Buffer,
  decoded = false,
): Answer | null {
  if (bytes.length === 0) return null
  const encodings = decoded ? null : readEncoding(headers)
  const undone = encodings === null ? { bytes } : undoEncodings(bytes, encodings, decodedBytesMax)
  if (!('bytes' in undone)) return null
  const framing = findFraming(headerValue(headers ?? [], 'content-type'), undone.bytes)
  if (framing !== null) return protocol.foldEvents(readEvents(framing, undone.bytes))
  try {
    return protocol.readResponse(JSON.parse(undone.bytes.toString('utf8')) as Json)
  } catch {
    return null // half a JSON document says nothing of what it used
  }
}
