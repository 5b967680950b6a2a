// Requests of one scope from their pieces: the beginning that an earlier request had too is recognised by its ids, without a look at
// its bytes; of the rest each piece is parsed once. Null for a body that cannot be read so: the caller decodes it whole.

import { isTurnpikeError } from '../core/errors.ts'
import type { Conversation, Json } from '../core/types.ts'
import type { ProtocolAdapter, RequestAddress } from '../protocols/_adapter.ts'
import { commonPrefix } from '../store/overlap.ts'
import { addElements, bytesOfTrack, cutTrack, findDivision, messagesAt, openTrack, type Track } from './history-track.ts'
import { createParses, type Outside, type Parses } from './piece-parses.ts'
import type { Entry, PieceText } from './piece-text.ts'
import { createSkeletons, joinMembers } from './skeletons.ts'
import type { SourceCall } from './source.ts'

/** Requests remembered to compare with: conversations that take turns in one scope, and the states they may go back to. */
const recentMax = 64
const recentBytesMax = 48 * 1024 * 1024

export interface PieceRequest {
  readonly id: string
  readonly protocol: ProtocolAdapter
  readonly address: RequestAddress
  readonly pieces: Uint32Array
}

export interface ReadRequest {
  readonly conversation: Conversation
  readonly continues: SourceCall['continues']
}

export interface PieceRequests {
  /** Every request read so can be continued by later ones: the caller gives each of them out as a call. */
  readonly read: (request: PieceRequest) => Promise<ReadRequest | null>
}

interface Known {
  readonly request: PieceRequest
  readonly track: Track
  /** Index of the pieces in which the history begins and ends. */
  readonly opening: number
  readonly closing: number
  /** The first cut stands in front of the first element. */
  readonly opensEmpty: boolean
  readonly head: readonly Outside[]
}

export function createPieceRequests(readPiece: (id: number) => Promise<Buffer>): PieceRequests {
  const parses = createParses(readPiece)
  const skeletons = createSkeletons()
  let recent: Known[] = []

  const remember = (known: Known): void => {
    recent = [known, ...recent].slice(0, recentMax)
    let bytes = 0
    recent = recent.filter(({ track, request }, at) => {
      bytes += bytesOfTrack(track) + request.pieces.byteLength
      return at === 0 || bytes <= recentBytesMax
    })
  }
  const read = async (request: PieceRequest): Promise<ReadRequest | null> => {
    const start = await findStart(request, recent, parses)
    const { base, boundary } = start
    // Its memory is written over.
    if (start.replaces) recent = recent.filter(known => known !== base)
    const walk = await walkPieces(request, start, parses)
    if (walk === null) return null
    const { track, elements, outside } = walk
    const conversation = skeletons.read({
      protocol: request.protocol,
      address: request.address,
      key: outside.map(parses.nameOutside).join(','),
      readBody: () => joinOutside(outside),
      track,
    })
    if (conversation === null) return null
    remember({ request, ...walk, head: outside.slice(0, walk.headCount) })
    const messages = request.protocol.history.readMessages(elements.slice(walk.leading))
    const before = base === null ? 0 : messagesAt(track, boundary)
    return {
      conversation: { ...conversation, messages },
      continues: base === null || before === 0 ? null : { callId: base.request.id, messages: before },
    }
  }
  return {
    read: async request => {
      try {
        return await read(request)
      } catch (error) {
        // What a protocol refuses is said by whoever decodes the whole.
        if (isTurnpikeError(error) && error.code === 'E_BAD_REQUEST') return null
        throw error
      }
    },
  }
}

/** Where reading begins: behind what `base` has too, or (null) at the first piece. */
interface Start {
  readonly base: Known | null
  readonly piece: number
  readonly boundary: number
  /** The base will hardly be continued a second time. */
  readonly replaces: boolean
}

const fromTheFirst: Start = { base: null, piece: 0, boundary: 0, replaces: false }

async function findStart(request: PieceRequest, recent: readonly Known[], parses: Parses): Promise<Start> {
  const { pieces, protocol } = request
  let base: Known | null = null
  let front = 0
  for (const known of recent) {
    if (known.request.protocol !== protocol) continue
    const common = Math.min(countCommon(known.request.pieces, pieces), known.closing)
    if (common <= front || common <= known.opening) continue
    base = known
    front = common
    if (front * 10 > known.closing * 9) break
  }
  if (base === null || front >= pieces.length) return fromTheFirst
  const next = await parses.parse(pieces[front] ?? 0, entryAt(base, front), front === pieces.length - 1)
  const boundary = findDivision(base.track, protocol.history, front - base.opening, next?.continued[0])
  // The history may have no element before its first cut.
  if (boundary === 0 || next === null) return fromTheFirst
  return { base, piece: base.opening + boundary, boundary, replaces: front * 10 > base.closing * 9 }
}

function entryAt({ opening, opensEmpty }: Known, piece: number): Entry {
  return opensEmpty && piece === opening + 1 ? 'opened' : 'element'
}

function countCommon(a: Uint32Array, b: Uint32Array): number {
  return commonPrefix(bytesOf(a), bytesOf(b)) >> 2
}

function bytesOf(list: Uint32Array): Buffer {
  return Buffer.from(list.buffer, list.byteOffset, list.byteLength)
}

interface Walk {
  readonly track: Track
  /** The history behind the start; the first `leading` of them are system text. */
  readonly elements: readonly Json[]
  readonly leading: number
  readonly outside: readonly Outside[]
  readonly headCount: number
  readonly opening: number
  readonly closing: number
  readonly opensEmpty: boolean
}

async function walkPieces({ pieces, protocol }: PieceRequest, start: Start, parses: Parses): Promise<Walk | null> {
  const { base } = start
  const walker = createWalker(protocol, start)
  let entry: Entry = base === null ? 'start' : entryAt(base, start.piece)
  for (let at = start.piece; at < pieces.length; at += 1) {
    const parsed = parses.parse(pieces[at] ?? 0, entry, at === pieces.length - 1)
    // Waiting costs more than reading what is known.
    const piece: PieceText | null = parsed instanceof Promise ? await parsed : parsed
    if (piece === null || !walker.add(piece, at)) return null
    entry = piece.next ?? 'start'
  }
  return entry === 'start' ? walker.finish() : null
}

function createWalker(protocol: ProtocolAdapter, { base, boundary, replaces }: Start) {
  const { history } = protocol
  const track = base === null ? openTrack() : cutTrack(base.track, boundary, replaces)
  const elements: Json[] = []
  const outside: Outside[] = [...(base?.head ?? [])]
  let headCount = outside.length
  let opening = base?.opening ?? -1
  let closing = -1
  let opensEmpty = base?.opensEmpty ?? false
  let leading = 0
  let isInside = base !== null

  const addHistory = (list: readonly Json[]): void => {
    leading += addElements(track, history, list)
    elements.push(...list)
  }
  /** The history begins in this piece. */
  const open = (value: Json, at: number): boolean => {
    if (opening >= 0 || !Array.isArray(value)) return false
    opening = at
    opensEmpty = value.length === 0
    addHistory(value)
    return true
  }
  return {
    /** False when the body is none that can be read so. */
    add: (piece: PieceText, at: number): boolean => {
      const wasInside = isInside
      if (wasInside) addHistory(piece.continued)
      if (wasInside && piece.members.length === 0 && piece.next !== null) return true
      if (wasInside) closing = at
      const own = piece.members.find(([name]) => name === history.field)
      if (own !== undefined && !open(own[1], at)) return false
      outside.push(readOutside(piece, history.field, wasInside))
      if (own !== undefined) headCount = outside.length
      isInside = piece.next !== null && piece.members.length > 0 && piece.members.at(-1) === own
      if (own !== undefined && !isInside) closing = at
      return true
    },
    finish: (): Walk | null =>
      opening < 0 || closing < 0 ? null : { track, elements, leading, outside, headCount, opening, closing, opensEmpty },
  }
}

const outsides = new WeakMap<PieceText, Map<string, Outside>>()

/** The same object for the same piece in the same place. */
function readOutside(piece: PieceText, field: string, isInside: boolean): Outside {
  const known = outsides.get(piece) ?? new Map<string, Outside>()
  const place = isInside ? `in ${field}` : field
  const found = known.get(place)
  if (found !== undefined) return found
  const members = piece.members.map(([name, value]) => (name === field ? ([name, []] as const) : ([name, value] as const)))
  const made: Outside = { continued: isInside ? [] : piece.continued, members }
  known.set(place, made)
  outsides.set(piece, known)
  return made
}

/** Lists that went on from piece to piece are one again. */
function joinOutside(parts: readonly Outside[]): Record<string, Json> | null {
  const members: Array<[string, Json]> = []
  let open: Json[] | null = null
  for (const { continued, members: begun } of parts) {
    open?.push(...continued)
    for (const [name, value] of begun) {
      open = Array.isArray(value) ? [...value] : null
      members.push([name, open ?? value])
    }
  }
  return joinMembers(members)
}
