// How packs are compressed. A pack names its codec by number, so a better one can be added without touching old packs; the
// measurements behind the choice are in docs/decisions/0002-piece-compression.md. Numbers are never reused.

import { promisify } from 'node:util'
import { brotliCompress, brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { TurnpikeError } from '../core/errors.ts'

const plain = 0
const brotli = 1

export interface Packed {
  readonly codec: number
  readonly data: Buffer
}

const compressAsync = promisify(brotliCompress)

/** `dense` when there is time, `fast` when pieces come in faster than dense packing would take them. Both read alike. */
export type Effort = 'dense' | 'fast'

const qualities: Readonly<Record<Effort, number>> = { dense: 2, fast: 1 }

/** The window spans a whole pack: what repeats within it is found wherever it stands. */
function brotliOptions(bytes: Buffer, effort: Effort): { params: Record<number, number> } {
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: qualities[effort],
      [constants.BROTLI_PARAM_LGWIN]: 20,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }
}

export function pack(bytes: Buffer): Packed {
  return smaller(bytes, brotliCompressSync(bytes, brotliOptions(bytes, 'dense')))
}

/** The same on a thread of the pool: the writer keeps answering meanwhile. */
export async function packInBackground(bytes: Buffer, effort: Effort): Promise<Packed> {
  return smaller(bytes, await compressAsync(bytes, brotliOptions(bytes, effort)))
}

function smaller(bytes: Buffer, compressed: Buffer): Packed {
  return compressed.length < bytes.length ? { codec: brotli, data: compressed } : { codec: plain, data: bytes }
}

/** `bytes` bounds the output, so that a damaged pack cannot fill the memory. */
export function unpack({ codec, data }: Packed, bytes: number): Buffer {
  const unpacked = codec === brotli ? unpackBrotli(data, bytes) : codec === plain ? data : null
  if (unpacked === null)
    throw new TurnpikeError('E_STORE_NEWER', `a pack is compressed with codec ${codec}, which this version does not know`)
  if (unpacked.length !== bytes)
    throw new TurnpikeError('E_STORE_CORRUPT', `a pack holds ${unpacked.length} bytes instead of ${bytes}`)
  return unpacked
}

function unpackBrotli(data: Buffer, bytes: number): Buffer {
  try {
    return brotliDecompressSync(data, { maxOutputLength: Math.max(bytes, 1) })
  } catch (error) {
    throw new TurnpikeError('E_STORE_CORRUPT', 'a pack cannot be decompressed', { cause: error })
  }
}
