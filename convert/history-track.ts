// Where a request's history can be divided: at each boundary that was met on the way, how many messages stand before it and whether
// reading may begin there. Small numbers in typed arrays, so that a history of any length costs bytes, not objects. Pure.

import type { Json } from '../core/types.ts'
import type { HistoryReader } from '../protocols/_adapter.ts'

/** An element that system text or tools come from, and the first boundary behind it. */
interface PreambleElement {
  readonly at: number
  readonly element: Json
  readonly isLeading: boolean
}

const answered = 1
const divides = 2

export interface Track {
  /** Index of the last boundary; boundary 0 is the beginning of the history. */
  last: number
  messages: Int32Array
  flags: Uint8Array
  preamble: readonly PreambleElement[]
}

export function openTrack(): Track {
  return { last: 0, messages: new Int32Array(64), flags: new Uint8Array(64), preamble: [] }
}

/** The track up to a boundary: of its own memory, or (`takeOver`) in the old one's, which must not be used any more. */
export function cutTrack(track: Track, boundary: number, takeOver: boolean): Track {
  const isWhole = track.preamble.every(element => element.at <= boundary)
  const messages = takeOver ? track.messages : track.messages.slice(0, boundary + 64)
  const flags = takeOver ? track.flags : track.flags.slice(0, boundary + 64)
  // What follows may be other elements than followed before.
  flags[boundary] = (flags[boundary] ?? 0) & answered
  const preamble = isWhole ? track.preamble : track.preamble.filter(element => element.at <= boundary)
  return { last: boundary, messages, flags, preamble }
}

export function messagesAt(track: Track, boundary: number): number {
  return track.messages[boundary] ?? 0
}

export function bytesOfTrack(track: Track): number {
  return track.messages.byteLength + track.flags.byteLength
}

/**
 * Adds the boundary behind these elements. Gives back how many of them, at their beginning, are leading system text. Only what the history
 * begins or ends with may be no elements at all.
 */
export function addElements(track: Track, history: HistoryReader, elements: readonly Json[]): number {
  const [first] = elements
  let messages = messagesAt(track, track.last)
  let flags = track.flags[track.last] ?? 0
  if (first === undefined || canBegin(history, flags, first)) track.flags[track.last] = flags | divides
  flags &= answered
  let leading = 0
  for (const element of elements) {
    const isPreamble = history.isPreamble(element, messages === 0)
    const role = isPreamble || history.divisible !== 'anywhere' ? history.roleOf(element) : null
    const isLeading = isPreamble && messages === 0 && role === 'system'
    const continuesAnswer = history.divisible === 'between-answers' && role === 'assistant' && flags === answered
    if (isLeading) leading += 1
    else if (!continuesAnswer) messages += 1
    if (isPreamble) track.preamble = [...track.preamble, { at: track.last + 1, element, isLeading }]
    flags = role === 'assistant' ? answered : 0
  }
  addBoundary(track, messages, flags)
  return leading
}

function canBegin(history: HistoryReader, flags: number, next: Json): boolean {
  if (history.divisible === 'anywhere') return true
  const isAnswer = history.roleOf(next) === 'assistant'
  return history.divisible === 'at-answers' ? isAnswer : !(isAnswer && (flags & answered) !== 0)
}

function addBoundary(track: Track, messages: number, flags: number): void {
  track.last += 1
  if (track.last >= track.messages.length) {
    track.messages = grow(track.messages, new Int32Array(track.last * 2))
    track.flags = grow(track.flags, new Uint8Array(track.last * 2))
  }
  track.messages[track.last] = messages
  track.flags[track.last] = flags
}

function grow<T extends Int32Array | Uint8Array>(old: T, room: T): T {
  room.set(old)
  return room
}

/**
 * The latest boundary, at `boundary` or before it, from which `next` and what follows can be read on, and where no message of the track
 * itself goes on. 0 = only from the beginning.
 */
export function findDivision(track: Track, history: HistoryReader, boundary: number, next: Json | undefined): number {
  const isDivided = (at: number): boolean => at === track.last || ((track.flags[at] ?? 0) & divides) !== 0
  if (isDivided(boundary) && (next === undefined || canBegin(history, track.flags[boundary] ?? 0, next))) return boundary
  for (let at = boundary - 1; at > 0; at -= 1) if (isDivided(at)) return at
  return 0
}

/** What of the history a protocol must see to read system text and tools; behind the leading system text stands a word of the user. */
export function preambleElements(track: Track): readonly Json[] {
  const leading = track.preamble.filter(({ isLeading }) => isLeading).map(({ element }) => element)
  const others = track.preamble.filter(({ isLeading }) => !isLeading).map(({ element }) => element)
  return others.length === 0 ? leading : [...leading, { role: 'user', content: '' }, ...others]
}
