// Undoes content-encodings (gzip, deflate, br, zstd, several on top of each other): whole bodies, bodies that were cut off, and streams
// while they run. Bounded: a few kilobytes can unfold to gigabytes. What cannot be undone is a reason in words, never an exception.

import { Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import type { HeaderList } from './types.ts'
import { createZstdReader, decompressZstd } from './zstd.ts'

/** No body may unfold to more than this. */
const decodedBytesMax = 512 * 1024 * 1024

/** Codings on top of each other that are undone at most; nobody sends three, and each multiplies the work. */
const codingsMax = 4

export type DecodedBytes = { readonly bytes: Buffer } | { readonly reason: string }

/** All values of the content-encoding in a header list, in lower case; null for none or `identity`. */
export function readEncoding(headers: HeaderList | null): string | null {
  const values = (headers ?? []).filter(([name]) => name.length === 16 && name.toLowerCase() === 'content-encoding')
  const names = values.flatMap(([, value]) => splitCodings(value))
  return names.length === 0 ? null : names.join(', ')
}

function splitCodings(value: string): string[] {
  const names = value.split(',').map(name => name.trim().toLowerCase())
  return names.filter(name => name !== '' && name !== 'identity')
}

/** `encodings` as in the header: applied left to right, so undone right to left. A cut body is undone as far as it goes. */
export function undoEncodings(bytes: Buffer, encodings: string | null, bytesMax: number = decodedBytesMax): DecodedBytes {
  const names = splitCodings(encodings ?? '')
  if (names.length > codingsMax) return { reason: `${names.length} content-encodings on top of each other` }
  let current = bytes
  for (const name of names.reverse()) {
    if (current.length === 0) break
    const undone = undoEncoding(current, name, bytesMax)
    if ('reason' in undone) return undone
    current = undone.bytes
  }
  return { bytes: current }
}

function undoEncoding(bytes: Buffer, name: string, bytesMax: number): DecodedBytes {
  // Flushing instead of finishing gives back what a cut stream still holds.
  const options = { finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength: bytesMax }
  try {
    switch (name) {
      case 'gzip':
      case 'x-gzip':
        return { bytes: zlib.gunzipSync(bytes, options) }
      case 'deflate':
        return { bytes: isWrapped(bytes) ? zlib.inflateSync(bytes, options) : zlib.inflateRawSync(bytes, options) }
      case 'br':
        return { bytes: zlib.brotliDecompressSync(bytes, { ...options, finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH }) }
      case 'zstd':
        return { bytes: decompressZstd(bytes, bytesMax) }
      default:
        return { reason: `content-encoding ${name} is not known` }
    }
  } catch (error) {
    return { reason: `content-encoding ${name} does not decode: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** "deflate" means zlib in the standard and a bare deflate stream in some servers. */
function isWrapped(bytes: Buffer): boolean {
  const header = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
  return (header & 0x0f00) === 0x0800 && header % 31 === 0
}

/** A stream that undoes one coding as the bytes come; null for codings that are not known, and for several at once. */
export function createDecoder(encoding: string): Transform | null {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip({ flush: zlib.constants.Z_SYNC_FLUSH })
    case 'deflate':
      return zlib.createInflate({ flush: zlib.constants.Z_SYNC_FLUSH })
    case 'br':
      return zlib.createBrotliDecompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH })
    case 'zstd':
      return createZstdDecoder()
    default:
      return null
  }
}

function createZstdDecoder(): Transform {
  const stream: Transform = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      // Later, as zlib does it: what one chunk holds comes out before the next one is read.
      setImmediate(() => {
        try {
          reader.push(chunk)
          done()
        } catch (error) {
          done(error instanceof Error ? error : null)
        }
      })
    },
  })
  // The unpacker uses its memory again; what is passed on must stay as it is.
  const reader = createZstdReader(bytes => void stream.push(Buffer.from(bytes)))
  return stream
}
