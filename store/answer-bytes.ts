// The bytes of one running answer in the writer's memory: masked as they arrive, kept until they are in the spool or in a piece.
// Pure memory: it decides what may be written, answer-writer.ts writes it.

import { createHash, type Hash } from 'node:crypto'
import { undoEncodings } from '../core/encodings.ts'
import type { Arrival, MaskedRange } from './_adapter.ts'
import { digestOf } from './digest.ts'
import { createStreamMasker, looksLikeText, type MaskedPart, maskBody, maskEncoded, type StreamMasker } from './masking.ts'

/** Answers larger than this are read back from the spool when they end, instead of staying in memory as well. */
const keptBytesMax = 1024 * 1024

/** Growth between two looks into a compressed answer: looking at all of it each time would cost the square of its length. */
const decodeGrowth = 1.25
const decodeAlwaysBytes = 64 * 1024

export interface AnswerBytes {
  readonly secrets: readonly string[]
  readonly masker: StreamMasker
  /** Arrived, but not yet looked at. */
  unseen: Buffer[]
  unseenBytes: number
  /** Size at the last look into a compressed answer. */
  checkedBytes: number
  /** May be written and are not. */
  parts: MaskedPart[]
  /** The parts that are written; null when only the spool has them. */
  kept: MaskedPart[] | null
  keptBytes: number
  /** SHA-256 of the written parts as sent; null when there are none. */
  running: Hash | null
  readonly ranges: MaskedRange[]
  readonly arrivals: Arrival[]
  writtenArrivals: number
}

export function openBytes(secrets: readonly string[]): AnswerBytes {
  return {
    secrets,
    masker: createStreamMasker(secrets),
    unseen: [],
    unseenBytes: 0,
    checkedBytes: 0,
    parts: [],
    kept: [],
    keptBytes: 0,
    running: null,
    ranges: [],
    arrivals: [],
    writtenArrivals: 0,
  }
}

export function receiveBytes(answer: AnswerBytes, bytes: Buffer, arrivals: readonly number[]): void {
  if (bytes.length > 0) answer.unseen.push(bytes)
  answer.unseenBytes += bytes.length
  for (let at = 0; at + 1 < arrivals.length; at += 2)
    answer.arrivals.push({ at: arrivals[at] ?? 0, bytes: arrivals[at + 1] ?? 0 })
}

/** Moves what has arrived to the parts, all but an end that may be the beginning of a secret. */
export function maskUnseen(answer: AnswerBytes): void {
  if (answer.unseenBytes === 0) return
  const part = answer.masker.push(joinBuffers(answer.unseen))
  answer.parts.push(part)
  answer.ranges.push(...part.ranges)
  answer.unseen = []
  answer.unseenBytes = 0
}

/**
 * Whether the unseen bytes may go to the spool. Plain text may, once masked. Compressed bytes hide their secrets, so all of them
 * are decoded and searched first; what cannot be decoded stays in memory until the answer ends. `encoding` undefined = unknown.
 */
export function maySpool(answer: AnswerBytes, encoding: string | null | undefined): boolean {
  if (answer.unseenBytes === 0) return false
  if (answer.secrets.length === 0 || encoding === null) return true
  const unseen = joinBuffers(answer.unseen)
  if (encoding === undefined) return answer.keptBytes > 0 || looksLikeText(unseen)
  if (answer.kept === null) return false
  const all = joinBuffers([...[...answer.kept, ...answer.parts].map(part => part.sent), unseen])
  if (all.length > decodeAlwaysBytes && all.length < answer.checkedBytes * decodeGrowth) return false
  answer.checkedBytes = all.length
  const decoded = undoEncodings(all, encoding)
  if ('reason' in decoded) return false
  const masker = createStreamMasker(answer.secrets)
  return masker.push(decoded.bytes).ranges.length === 0 && masker.held().sent.length === 0
}

/** The parts are written: they are hashed and, while they are not too many, kept for the end. */
export function moveWritten(answer: AnswerBytes, count: number, isSpooled: boolean): void {
  const moved = answer.parts.splice(0, count)
  for (const part of moved) {
    answer.running ??= createHash('sha256')
    answer.running.update(part.sent)
    answer.kept?.push(part)
    answer.keptBytes += part.bytes.length
  }
  if (isSpooled && answer.keptBytes > keptBytesMax) answer.kept = null
}

/** SHA-256 as sent of the written parts and those given. */
export function hashSent(answer: AnswerBytes, parts: readonly MaskedPart[]): Buffer {
  if (answer.running === null) return digestOf(joinBuffers(parts.map(part => part.sent)))
  const running = answer.running.copy()
  for (const part of parts) running.update(part.sent)
  return running.digest()
}

export interface Assembled {
  readonly stored: Buffer
  readonly bytesSent: number
  readonly sentSha256: Buffer
  readonly storedSha256: Buffer | null
  readonly ranges: readonly MaskedRange[]
  readonly decodedFrom: string | null
}

/** Nothing was written or held back yet: all of it is in hand, as with most answers. */
function isWhole({ parts, kept, checkedBytes, unseen }: AnswerBytes): boolean {
  return parts.length === 0 && kept?.length === 0 && checkedBytes === 0 && unseen.length > 0
}

/** The same result as piece by piece, without the pieces. Leaves the bytes unseen, for what may follow. */
function assembleWhole({ unseen, secrets }: AnswerBytes, encoding: string | null): Assembled {
  const sent = joinBuffers(unseen)
  const encoded = maskEncoded(sent, encoding, secrets)
  const masked = encoded ?? maskBody(sent, secrets)
  const storedSha256 = masked.bytes === sent ? null : digestOf(masked.bytes)
  const common = { stored: masked.bytes, storedSha256, ranges: masked.ranges, decodedFrom: encoded ? encoding : null }
  return { ...common, bytesSent: sent.length, sentSha256: digestOf(sent) }
}

/** All that has arrived, as it is to be stored. `readSpooled` gives the written parts when they are no longer in memory. */
export function assembleAnswer(answer: AnswerBytes, encoding: string | null, readSpooled: () => MaskedPart): Assembled {
  if (isWhole(answer)) return assembleWhole(answer, encoding)
  maskUnseen(answer)
  const fresh = [...answer.parts, answer.masker.held()]
  const written = answer.kept ?? [readSpooled()]
  const stored = joinBuffers([...written, ...fresh].map(part => part.bytes))
  const ranges = [...answer.ranges, ...(fresh.at(-1)?.ranges ?? [])]
  const sent = ranges.length === 0 ? stored : joinBuffers([...written, ...fresh].map(part => part.sent))
  const common = { bytesSent: stored.length, sentSha256: hashSent(answer, fresh) }
  const encoded = maskEncoded(sent, encoding, answer.secrets)
  if (encoded)
    return {
      ...common,
      stored: encoded.bytes,
      storedSha256: digestOf(encoded.bytes),
      ranges: encoded.ranges,
      decodedFrom: encoding,
    }
  return { ...common, stored, storedSha256: ranges.length > 0 ? digestOf(stored) : null, ranges, decodedFrom: null }
}

export function joinBuffers(buffers: readonly Buffer[]): Buffer {
  const filled = buffers.filter(buffer => buffer.length > 0)
  const [first] = filled
  return filled.length === 1 && first ? first : Buffer.concat(filled)
}
