// Masks secrets in bodies on their way to the disk: whole bodies (also under a content-encoding), bodies of which a beginning is
// known to be searched already, and streams whose chunks may cut a secret in two. Never writes, never keeps a secret longer than needed.

import { isUtf8 } from 'node:buffer'
import { undoEncodings } from '../core/encodings.ts'
import { maskBytes } from '../core/redact.ts'
import type { MaskedRange } from './_adapter.ts'

export interface MaskedBody {
  /** The same object as given when nothing was masked. */
  readonly bytes: Buffer
  readonly ranges: readonly MaskedRange[]
}

/** Longest secret in bytes; 0 without secrets. */
export function longestSecret(secrets: readonly string[]): number {
  return secrets.reduce((longest, secret) => Math.max(longest, Buffer.byteLength(secret)), 0)
}

export function maskBody(bytes: Buffer, secrets: readonly string[]): MaskedBody {
  const { bytes: masked, ranges } = maskBytes(bytes, secrets)
  return ranges.length === 0 ? { bytes, ranges } : { bytes: asBuffer(masked), ranges }
}

/** `known` are the ranges of an earlier body that is equal up to `searched`: only what follows can hold a new occurrence. */
export function maskRest(bytes: Buffer, secrets: readonly string[], searched: number, known: readonly MaskedRange[]): MaskedBody {
  // An occurrence that ends beyond the equal part begins less than its length before the end of it.
  const latest = Math.max(0, searched - longestSecret(secrets))
  // A range that reaches across it may be several occurrences side by side: search from its start.
  const across = known.find(([start, length]) => start < searched && start + length > searched)
  const from = Math.min(latest, across?.[0] ?? latest)
  const rest = maskBytes(bytes.subarray(from), secrets)
  const kept = known.filter(([start, length]) => start + length <= searched)
  const found = rest.ranges.map(([start, length]) => [start + from, length] as const)
  const ranges = mergeRanges([...kept, ...found])
  if (ranges.length === 0) return { bytes, ranges }
  const copy = Buffer.from(bytes)
  for (const [start, length] of ranges) copy.fill(0x2a, start, start + length)
  return { bytes: copy, ranges }
}

function mergeRanges(ranges: readonly MaskedRange[]): MaskedRange[] {
  const merged: Array<[number, number]> = []
  for (const [start, length] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last && start < last[0] + last[1]) last[1] = Math.max(last[1], start + length - last[0])
    else merged.push([start, length])
  }
  return merged
}

/** The decoded bytes with their secrets masked; null when they hold none or the encoding is not ours to undo. */
export function maskEncoded(bytes: Buffer, encoding: string | null, secrets: readonly string[]): MaskedBody | null {
  if (encoding === null || longestSecret(secrets) === 0) return null
  const decoded = undoEncodings(bytes, encoding)
  if ('reason' in decoded) return null
  const masked = maskBody(decoded.bytes, secrets)
  return masked.ranges.length === 0 ? null : masked
}

/** Whether bytes of unknown kind could hold a secret in disguise: text shows its secrets, anything else may be compressed. */
export function looksLikeText(bytes: Buffer): boolean {
  const start = bytes.subarray(0, 256)
  if (start.some(byte => byte < 0x09)) return false
  // The 256th byte may stand within a character of up to four bytes.
  return [0, 1, 2, 3].some(cut => isUtf8(start.subarray(0, start.length - cut)))
}

/** Part of a stream: as sent, and as it may be written. Ranges count from the start of the stream. */
export interface MaskedPart extends MaskedBody {
  readonly sent: Buffer
}

export interface StreamMasker {
  /** What can be written now: all but an end that may be the beginning of a secret. */
  readonly push: (bytes: Buffer) => MaskedPart
  /** The end held back, as it is written when nothing follows. */
  readonly held: () => MaskedPart
}

export function createStreamMasker(secrets: readonly string[]): StreamMasker {
  const needles = secrets.map(secret => Buffer.from(secret))
  let held: Buffer = Buffer.alloc(0)
  let offset = 0
  const describe = (masked: MaskedBody, sent: Buffer): MaskedPart => {
    const ranges = masked.ranges.filter(([start]) => start < sent.length).map(([start, size]) => [start + offset, size] as const)
    return { bytes: masked.bytes.subarray(0, sent.length), sent, ranges }
  }
  return {
    held: () => describe(maskBody(held, secrets), held),
    push: bytes => {
      if (needles.length === 0) return { bytes, sent: bytes, ranges: [] }
      const whole = held.length > 0 ? Buffer.concat([held, bytes]) : bytes
      const masked = maskBody(whole, secrets)
      let length = whole.length - heldLength(whole, needles)
      // A secret that ends with the beginning of another one is held back whole, to be found again with what follows.
      for (const [start, size] of masked.ranges) if (start < length && length < start + size) length = start
      const part = describe(masked, whole.subarray(0, length))
      held = Buffer.from(whole.subarray(length))
      offset += length
      return part
    },
  }
}

/** Length of the longest end of `bytes` that is a proper beginning of a secret. */
function heldLength(bytes: Buffer, needles: readonly Buffer[]): number {
  let longest = 0
  for (const needle of needles)
    for (let length = Math.min(needle.length - 1, bytes.length); length > longest; length--)
      if (bytes[bytes.length - length] === needle[0] && bytes.compare(needle, 0, length, bytes.length - length) === 0)
        longest = length
  return longest
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
