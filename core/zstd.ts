// Reads zstd: whole bodies, cut ones as far as they go, and streams. Frames and blocks are walked here, so that bounds hold before
// anything is unpacked, and no frame is passed over; Node unpacks where it can (22.15 and later), fzstd where it cannot. Pure.

import { randomBytes } from 'node:crypto'
import * as zlib from 'node:zlib'
import { Decompress, decompress } from 'fzstd'
import { TurnpikeError } from './errors.ts'

/** RFC 9659: nobody may need a larger window for a content-encoding. The stream reader pays for its window with every block. */
const windowBytesMax = 8 * 1024 * 1024
/** A block unpacks to no more than this (RFC 8878 §3.1.1.2.4). */
const blockBytesMax = 128 * 1024
const magic = 0xfd2fb528
const markBytes = 16

/** `bytesMax` bounds what comes out. Throws when the bytes are no zstd or hold more than that; a cut end is left out silently. */
export function decompressZstd(bytes: Uint8Array, bytesMax: number): Buffer {
  const parts: Buffer[] = []
  let left = bytesMax
  let at = 0
  while (at < bytes.length) {
    const frame = readFrame(bytes, at)
    if (frame === null) break
    at = frame.end
    if (frame.blocks === null) continue
    const part = unpackNatively(bytes, frame, left) ?? unpack(frame.blocks, left)
    left -= part.length
    parts.push(part)
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
}

interface Blocks {
  /** The whole blocks, without the frame's header and checksum. */
  readonly bytes: Uint8Array
  /** Where the header of the last one stands in them. */
  readonly last: number
  /** What they unpack to at most. */
  readonly bytesMax: number
}

interface Frame {
  readonly start: number
  /** Beyond the end of the bytes when they were cut off. */
  readonly end: number
  /** Null for a skippable frame. */
  readonly blocks: Blocks | null
}

/** Null when the end of the bytes comes before the first block. */
function readFrame(bytes: Uint8Array, start: number): Frame | null {
  if (bytes.length - start < 8) return checkStart(bytes, start)
  const word = readUint(bytes, start, 4)
  if (word >>> 4 === 0x184d2a5) return { start, end: start + 8 + readUint(bytes, start + 4, 4), blocks: null }
  if (word !== magic) throw broken('no zstd frame begins here')
  const header = readFrameHeader(bytes, start)
  return header === null ? null : { start, ...walkBlocks(bytes, start + header.bytes, header.hasChecksum) }
}

function checkStart(bytes: Uint8Array, start: number): null {
  const expected = [0x28, 0xb5, 0x2f, 0xfd]
  const isZstd = expected.every((byte, at) => start + at >= bytes.length || bytes[start + at] === byte)
  const isSkippable = ((bytes[start] ?? 0) & 0xf0) === 0x50
  if (!isZstd && !isSkippable) throw broken('no zstd frame begins here')
  return null
}

function readFrameHeader(
  bytes: Uint8Array,
  start: number,
): { readonly bytes: number; readonly hasChecksum: boolean; readonly windowBytes: number } | null {
  const flags = bytes[start + 4] ?? 0
  const isSingle = (flags & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0
  const sizeBytes = flags >> 6 === 0 ? (isSingle ? 1 : 0) : 1 << (flags >> 6)
  const length = 5 + (isSingle ? 0 : 1) + dictionaryBytes + sizeBytes
  if (start + length > bytes.length) return null
  if ((flags & 8) !== 0) throw broken('a reserved bit of the frame header is set')
  if (readUint(bytes, start + length - sizeBytes - dictionaryBytes, dictionaryBytes) !== 0)
    throw broken('it needs a dictionary that was not sent with it')
  const described = bytes[start + 5] ?? 0
  const base = 2 ** (10 + (described >> 3))
  const content = readUint(bytes, start + length - sizeBytes, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  const windowBytes = isSingle ? content : base + (base / 8) * (described & 7)
  return { bytes: length, hasChecksum: (flags & 4) !== 0, windowBytes }
}

function walkBlocks(bytes: Uint8Array, start: number, hasChecksum: boolean): Omit<Frame, 'start'> {
  let [at, last, bytesMax] = [start, -1, 0]
  while (at + 3 <= bytes.length) {
    const head = readUint(bytes, at, 3)
    const [kind, size] = [(head >> 1) & 3, head >> 3]
    if (kind === 3 || size > blockBytesMax) throw broken('a block is of no known kind or size')
    const end = at + 3 + (kind === 1 ? 1 : size)
    if (end > bytes.length) break
    last = at - start
    bytesMax += kind === 2 ? blockBytesMax : size
    at = end
    if ((head & 1) === 1) return { end: at + (hasChecksum ? 4 : 0), blocks: { bytes: bytes.subarray(start, at), last, bytesMax } }
  }
  const blocks = last < 0 ? null : { bytes: bytes.subarray(start, at), last, bytesMax }
  return { end: bytes.length + 1, blocks }
}

/**
 * The unpacker writes into a buffer of ours and does not say how far it came. A block of random bytes behind the last one marks the
 * end; when it is not found the buffer was too small. So nothing is unpacked beyond the bound, and a cut frame ends properly.
 */
function unpack(blocks: Blocks, bytesMax: number): Buffer {
  const mark = randomBytes(markBytes)
  // A frame with a window of a gigabyte: the buffer is the window.
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 20 << 3])
  const tail = Buffer.from([(markBytes << 3) | 1, 0, 0])
  const framed = Buffer.concat([head, blocks.bytes, tail, mark])
  const lastHead = head.length + blocks.last
  framed[lastHead] = (framed[lastHead] ?? 0) & 0xfe
  const most = Math.min(blocks.bytesMax, bytesMax)
  for (let room = Math.min(most, Math.max(blockBytesMax, blocks.bytes.length * 8)); ; room = Math.min(most, room * 4)) {
    const unpacked = Buffer.alloc(room + markBytes)
    const failure = tryUnpack(framed, unpacked)
    const end = failure === null ? unpacked.lastIndexOf(mark) : -1
    if (end >= 0) return Buffer.from(unpacked.subarray(0, end))
    if (room >= most) throw broken(`it unpacks to more than ${bytesMax} bytes, or is damaged`, failure)
  }
}

/** What went wrong, null when nothing did. A buffer that is too small may look like damage: only the largest one tells. */
function tryUnpack(framed: Uint8Array, into: Uint8Array): unknown {
  try {
    decompress(framed, into)
    return null
  } catch (error) {
    return error
  }
}

/** Null where Node has no zstd, and for frames that were cut off. The types here are those of Node 20. */
function unpackNatively(bytes: Uint8Array, { start, end }: Frame, bytesMax: number): Buffer | null {
  const { zstdDecompressSync } = zlib as {
    readonly zstdDecompressSync?: (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Buffer
  }
  if (zstdDecompressSync === undefined || end > bytes.length) return null
  return zstdDecompressSync(bytes.subarray(start, end), { maxOutputLength: bytesMax })
}

/** Reads a stream of frames as it comes. `push` throws at the first byte that cannot be read. */
export function createZstdReader(onData: (bytes: Uint8Array) => void): { readonly push: (chunk: Uint8Array) => void } {
  const reader = new Decompress(onData)
  // The unpacker makes room for the window a header asks for: the header is looked at first. 18 bytes are the longest there is.
  let start: Buffer | null = Buffer.alloc(0)
  return {
    push: chunk => {
      if (start !== null) {
        start = Buffer.concat([start, chunk])
        checkStart(start, 0)
        if (start.length < 18) return
        checkWindow(start)
        reader.push(start)
        start = null
      } else reader.push(chunk)
    },
  }
}

function checkWindow(start: Buffer): void {
  if (readUint(start, 0, 4) !== magic) throw broken('a stream must begin with its data')
  const header = readFrameHeader(start, 0)
  if (header === null || header.windowBytes > windowBytesMax) throw broken(`its window is larger than ${windowBytesMax} bytes`)
}

/** Little-endian, up to eight bytes; exact as far as a number is. */
function readUint(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let index = count - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] ?? 0)
  return value
}

function broken(what: string, cause?: unknown): TurnpikeError {
  return new TurnpikeError('E_BAD_REQUEST', `zstd: ${what}`, { cause })
}
