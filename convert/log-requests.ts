// Requests of one session from the lines of a raw log: the beginning that an earlier line had too is found by native comparison, element
// by element known from that line, and only the rest is parsed. Strict: parts that are read this way are one JSON object together.

import type { Json, JsonObject } from '../core/types.ts'
import type { HistoryReader } from '../protocols/_adapter.ts'
import { parseJson } from '../protocols/_json.ts'
import { commonPrefix } from '../store/overlap.ts'
import { addElements, bytesOfTrack, cutTrack, openTrack, type Track } from './history-track.ts'
import { scanElements, scanMembers } from './line-scan.ts'
import { readPieceText } from './piece-text.ts'

/** Lines remembered to compare with: conversations that take turns in one session. */
const recentMax = 8
const recentBytesMax = 64 * 1024 * 1024

/** A line that was read, to know the next ones by. Places count from the beginning of the request in it. */
export interface KnownLine {
  readonly id: string
  readonly bytes: Buffer
  readonly buffer: Buffer
  readonly request: LogRequest
  /** Whose dialect it was read in. */
  readonly protocol: string
}

/** Where things stand in a request, counted from its opening brace. */
export interface LogRequest {
  /** In the line. */
  readonly from: number
  /** Behind the bracket that opens the history, at the one that closes it, and behind the request. */
  readonly historyStart: number
  readonly historyEnd: number
  readonly end: number
  /** Ends of the history's elements; boundary n of the track is `ends[n - 1]`. */
  readonly ends: Int32Array
  readonly track: Track
  /** First boundary behind an element of each trait the rules ask for; Infinity for none. */
  readonly traitsFrom: readonly number[]
  readonly skeleton: LogSkeleton
}

/** The request with an empty history. */
export interface LogSkeleton {
  readonly key: string
  readonly body: JsonObject
}

/** A request as far as it is new. */
export interface FreshRequest {
  readonly request: LogRequest
  readonly base: KnownLine | null
  /** Boundary at which the base was left. */
  readonly boundary: number
  readonly elements: readonly Json[]
  /** How many elements, at the beginning, are leading system text. */
  readonly leading: number
}

export interface RequestRules {
  /** One that may be divided anywhere. */
  readonly history: HistoryReader
  /** What elements are looked at for, to tell a dialect by. */
  readonly traits: ReadonlyArray<(element: Json) => boolean>
  readonly readSkeleton: (text: string) => LogSkeleton | null
}

/** Texts kept to know a skeleton again that the line before did not have. */
const skeletonsMax = 32

/** Gives equal texts the same object. */
export function createLogSkeletons(): RequestRules['readSkeleton'] {
  const known = new Map<string, LogSkeleton>()
  let made = 0
  return text => {
    const found = known.get(text)
    if (found !== undefined) return found
    // As the first and only piece of a body: a field that comes twice is refused.
    const read = readPieceText(text, 'start', true)
    if (read === null) return null
    made += 1
    const skeleton = { key: String(made), body: Object.fromEntries(read.members) }
    known.set(text, skeleton)
    const [oldest] = known.keys()
    if (known.size > skeletonsMax && oldest !== undefined) known.delete(oldest)
    return skeleton
  }
}

/** Where the bytes of the request begin to differ from those of the line that shares most of them. */
export function findBase(bytes: Buffer, from: number, recent: readonly KnownLine[]): { base: KnownLine; equal: number } | null {
  let best: { base: KnownLine; equal: number } | null = null
  const rest = bytes.subarray(from)
  for (const base of recent) {
    const equal = commonPrefix(base.bytes.subarray(base.request.from, base.request.from + base.request.end), rest)
    if (equal > (best?.equal ?? base.request.historyStart - 1)) best = { base, equal }
    if (equal * 10 > base.request.historyEnd * 9) break
  }
  return best
}

/** The last boundary in front of the first difference. */
export function countEqual({ request, bytes }: KnownLine, equal: number): number {
  const { ends } = request
  let low = 0
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ends[middle] ?? 0) <= equal) low = middle + 1
    else high = middle
  }
  // A number or a word only ends where something else follows.
  const end = ends[low - 1] ?? 0
  const isClosed = end < equal || '}]"'.includes(String.fromCharCode(bytes[request.from + end - 1] ?? 0))
  return low > 0 && !isClosed ? low - 1 : low
}

/** A line to go on from, and how many of its elements the new request has too. */
export interface Front {
  readonly base: KnownLine
  readonly boundary: number
}

/** Null when the request must be read whole. */
export function readLogRequest(bytes: Buffer, from: number, front: Front | null, rules: RequestRules): FreshRequest | null {
  const base = front?.base ?? null
  const boundary = front?.boundary ?? 0
  const historyStart = base?.request.historyStart ?? findHistory(bytes, from, rules.history.field)
  if (historyStart === null) return null
  const start = base?.request.ends[boundary - 1] ?? historyStart
  const read = readElements(bytes, from + start, boundary === 0)
  if (read === null) return null
  const historyEnd = read.close - from
  const tail = readTail(bytes, from, { historyStart, historyEnd }, base, rules.readSkeleton)
  if (tail === null) return null
  const ends = new Int32Array(boundary + read.ends.length)
  if (base !== null) ends.set(base.request.ends.subarray(0, boundary))
  for (const [at, end] of read.ends.entries()) ends[boundary + at] = end - from
  const history = addHistory(read.elements, front, rules)
  const request = { from, historyStart, historyEnd, ...tail, ends, track: history.track, traitsFrom: history.traitsFrom }
  return { request, base, boundary, elements: read.elements, leading: history.leading }
}

/** Elements from `start` to the bracket that closes the history; null when that is not what stands there. */
function readElements(bytes: Buffer, start: number, isFirst: boolean) {
  const rest = scanElements(bytes, start)
  if (rest === null) return null
  const text = bytes.toString('utf8', start, rest.close)
  const piece = readPieceText(`${text}]}`, isFirst ? 'opened' : 'element', true)
  if (piece === null || piece.members.length > 0 || piece.continued.length !== rest.ends.length) return null
  return { elements: piece.continued, ends: rest.ends, close: rest.close }
}

function addHistory(elements: readonly Json[], front: Front | null, { history, traits }: RequestRules) {
  const track = front === null ? openTrack() : cutTrack(front.base.request.track, front.boundary, false)
  const traitsFrom = traits.map((_, trait) => {
    const before = front?.base.request.traitsFrom[trait] ?? Number.POSITIVE_INFINITY
    return before <= (front?.boundary ?? 0) ? before : Number.POSITIVE_INFINITY
  })
  let leading = 0
  for (const element of elements) {
    leading += addElements(track, history, [element])
    for (const [trait, holds] of traits.entries())
      if (traitsFrom[trait] === Number.POSITIVE_INFINITY && holds(element)) traitsFrom[trait] = track.last
  }
  return { track, traitsFrom, leading }
}

/** Behind the bracket that opens the history. */
function findHistory(bytes: Buffer, from: number, field: string): number | null {
  const { at, isStopped } = scanMembers(bytes, from + 1, field)
  return isStopped && bytes[at] === 0x5b ? at + 1 - from : null
}

/** What stands around the history: that of the base where its bytes are the same. */
function readTail(
  bytes: Buffer,
  from: number,
  { historyStart, historyEnd }: Pick<LogRequest, 'historyStart' | 'historyEnd'>,
  base: KnownLine | null,
  readSkeleton: RequestRules['readSkeleton'],
): Pick<LogRequest, 'end' | 'skeleton'> | null {
  if (base !== null) {
    const known = base.request
    const size = known.end - known.historyEnd
    const own = bytes.subarray(from + historyEnd, from + historyEnd + size)
    const old = base.bytes.subarray(known.from + known.historyEnd, known.from + known.end)
    if (own.equals(old)) return { end: historyEnd + size, skeleton: known.skeleton }
  }
  const { at } = scanMembers(bytes, from + historyEnd + 1, null)
  if (at < 0) return null
  const text = bytes.toString('utf8', from, from + historyStart) + bytes.toString('utf8', from + historyEnd, at)
  const skeleton = readSkeleton(text)
  return skeleton === null ? null : { end: at - from, skeleton }
}

/** The lines to compare with, newest first, and their buffers. */
export function createKnownLines(giveBack: (buffer: Buffer) => void) {
  let recent: readonly KnownLine[] = []
  return {
    list: (): readonly KnownLine[] => recent,
    /** `fresh` continues `base` where it left nearly nothing of it: the base will hardly be continued again. */
    add: (line: KnownLine, { base, boundary }: Pick<FreshRequest, 'base' | 'boundary'>): void => {
      const isReplaced = base !== null && boundary * 10 >= base.request.ends.length * 9
      const kept: KnownLine[] = [line]
      let bytes = memoryOf(line)
      for (const known of recent) {
        bytes += memoryOf(known)
        if ((isReplaced && known === base) || kept.length >= recentMax || bytes > recentBytesMax) giveBack(known.buffer)
        else kept.push(known)
      }
      recent = kept
    },
  }
}

function memoryOf({ buffer, request }: KnownLine): number {
  return buffer.length + request.ends.byteLength + bytesOfTrack(request.track)
}

export function parseLine(bytes: Buffer): Json | undefined {
  return parseJson(bytes.toString('utf8').replace(/^\ufeff/, ''))
}
