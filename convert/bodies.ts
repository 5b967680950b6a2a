// From stored bytes to text: undoes content-encodings, whole or cut, // Pure. What cannot be undone is a reason in words, never an exception and never a guess.

import * as zlib from 'node:zlib'
import type { HeaderList } from '../core/types.ts'

/** A megabyte of zeros compresses to a kilobyte: no body may unfold to more than this. */
const decodedBytesMax = 512 * 1024 * 1024

export type DecodedBytes = { readonly bytes: Buffer } | { readonly reason: string }

export function readHeader(headers: HeaderList | null, name: string): string | null {
  const values = (headers ?? []).filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? null : values.join(', ')
}

/** `encodings` as in the header: applied left to right, so undone right to left. */
export function undoEncodings(bytes: Buffer, encodings: string | null): DecodedBytes {
  let current = bytes
  const names = (encodings ?? '').split(',').map(name => name.trim().toLowerCase())
  for (const name of names.reverse()) {
    if (name === '' || name === 'identity' || current.length === 0) continue
    const undone = undoEncoding(current, name)
    if ('reason' in undone) return undone
    current = undone.bytes
  }
  return { bytes: current }
}

function undoEncoding(bytes: Buffer, name: string): DecodedBytes {
  // Flushing instead of finishing gives back what a cut stream still holds.
  const flush = { finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength: decodedBytesMax }
  try {
    switch (name) {
      case 'gzip':
      case 'x-gzip':
        return { bytes: zlib.gunzipSync(bytes, flush) }
      case 'deflate':
        return { bytes: inflate(bytes, flush) }
      case 'br':
        return {
          bytes: zlib.brotliDecompressSync(bytes, {
            finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
            maxOutputLength: decodedBytesMax,
          }),
        }
      case 'zstd':
        return undoZstd(bytes)
      default:
        return { reason: `content-encoding ${name} is not known` }
    }
  } catch (error) {
    return { reason: `content-encoding ${name} does not decode: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** Some servers mean a bare deflate stream, without the zlib header that the name stands for. */
function inflate(bytes: Buffer, options: zlib.ZlibOptions): Buffer {
  const header = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
  const wrapped = (header & 0x0f00) === 0x0800 && header % 31 === 0
  return wrapped ? zlib.inflateSync(bytes, options) : zlib.inflateRawSync(bytes, options)
}

/** Node has zstd since 22.15; on older ones the bytes stay recorded and the call undecoded. */
function undoZstd(bytes: Buffer): DecodedBytes {
  const zstd = (zlib as { readonly zstdDecompressSync?: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer })
    .zstdDecompressSync
  if (zstd === undefined) return { reason: 'content-encoding zstd needs Node 22.15 or newer' }
  return { bytes: zstd(bytes, { maxOutputLength: decodedBytesMax }) }
}
