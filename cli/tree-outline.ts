// The forest of a scope as an outline: every call once, in the lane that holds it, below the call its lane hangs on. Pure; it knows no
// terminal. Runs of calls that merely went on can be folded to one entry.

import type { Lane, Lanes } from '../convert/lanes.ts'
import type { CallTree, TreeCall } from '../convert/tree.ts'

/** `step`: on its lane. `alternative`: an answer beside the one that was continued. `failed`: nothing was generated. */
export type CallRole = 'step' | 'alternative' | 'failed'

export interface OutlineCall {
  readonly kind: 'call'
  readonly call: TreeCall
  readonly role: CallRole
  readonly lane: number | null
}

export interface OutlineFold {
  readonly kind: 'fold'
  readonly calls: readonly TreeCall[]
}

export interface OutlineEntry {
  readonly item: OutlineCall | OutlineFold
  /** How many lanes stand around it, and of the innermost ones which go on further below. */
  readonly depth: number
  readonly rails: readonly boolean[]
  /** Where in its own lane it stands. */
  readonly place: 'only' | 'first' | 'middle' | 'last'
}

interface Frame {
  readonly items: ReadonlyArray<OutlineCall | OutlineFold>
  readonly rails: readonly boolean[]
  readonly depth: number
  at: number
}

/** Lanes within lanes that are drawn with a rail each; deeper ones are numbered. */
const railsMax = 12

export interface OutlineOptions {
  /** Show every call. */
  readonly all: boolean
}

/** Sessions of fewer calls are shown whole. */
const foldFromCalls = 40
/** Calls at both ends of a run that are shown, and the fewest between them worth folding. */
const [foldEnds, foldLeast] = [2, 3]

export function outlineForest(tree: CallTree, forest: Lanes, options: OutlineOptions): OutlineEntry[] {
  const { below, top } = hangLanes(forest)
  const isFolded = !options.all && tree.calls.length > foldFromCalls
  const readLane = (lane: number): Frame['items'] => {
    const calls = listLane(forest.lanes[lane], lane)
    return isFolded ? foldRuns(calls, below) : calls
  }
  const openBelow = ({ call }: OutlineCall, { rails, depth }: Frame, goesOn: boolean): Frame[] =>
    (below.get(call.index) ?? []).map(lane => ({
      items: readLane(lane),
      rails: [...rails, goesOn].slice(-railsMax),
      depth: depth + 1,
      at: 0,
    }))
  const stray = forest.stray.map((call): OutlineCall[] => [{ kind: 'call', call, role: 'failed', lane: null }])
  const starts = [...top.map(readLane), ...stray]
  return starts.flatMap(items => outlineFrom({ items, rails: [], depth: 0, at: 0 }, openBelow))
}

/** Not recursive: a session may branch off a branch as often as it has calls. */
function outlineFrom(
  start: Frame,
  openBelow: (item: OutlineCall, frame: Frame, goesOn: boolean) => readonly Frame[],
): OutlineEntry[] {
  const entries: OutlineEntry[] = []
  const stack: Frame[] = [start]
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const { items, rails, depth, at } = frame
    const item = items[at]
    if (item === undefined) {
      stack.pop()
      continue
    }
    const isLast = at === items.length - 1
    const place = items.length === 1 ? 'only' : at === 0 ? 'first' : isLast ? 'last' : 'middle'
    frame.at += 1
    entries.push({ item, rails, depth, place })
    // The last one is pushed first, so that the first one is drawn first.
    if (item.kind === 'call') stack.push(...[...openBelow(item, frame, !isLast)].reverse())
  }
  return entries
}

/** Lanes by the call they hang on; those that hang on none stand at the top. */
function hangLanes({ lanes }: Lanes): {
  readonly below: ReadonlyMap<number, readonly number[]>
  readonly top: readonly number[]
} {
  const laneOf = new Map<number, number>()
  for (const [lane, content] of lanes.entries()) for (const { call } of listLane(content, lane)) laneOf.set(call.index, lane)
  const below = new Map<number, number[]>()
  const top: number[] = []
  for (const [lane, { steps }] of lanes.entries()) {
    const parent = steps[0]?.call.link.parent ?? null
    // Only a lane further up can carry one: whatever the links say, nothing hangs on itself.
    if (parent === null || !((laneOf.get(parent) ?? lane) < lane)) top.push(lane)
    else below.set(parent, [...(below.get(parent) ?? []), lane])
  }
  return { below, top }
}

function listLane(lane: Lane | undefined, number: number): OutlineCall[] {
  const calls = (lane?.steps ?? []).flatMap(({ call, alternatives }): OutlineCall[] => [
    { kind: 'call', call, role: 'step', lane: number },
    ...alternatives.map((other): OutlineCall => ({ kind: 'call', call: other, role: 'alternative', lane: number })),
  ])
  const failed = (lane?.failed ?? []).map((call): OutlineCall => ({ kind: 'call', call, role: 'failed', lane: number }))
  return [...calls, ...failed].sort((one, other) => one.call.index - other.call.index)
}

/** Plain: it went on, nothing branches off, nothing is to be said about it. */
function foldRuns(
  calls: readonly OutlineCall[],
  below: ReadonlyMap<number, readonly number[]>,
): ReadonlyArray<OutlineCall | OutlineFold> {
  const folded: Array<OutlineCall | OutlineFold> = []
  let run: OutlineCall[] = []
  const close = (): void => {
    if (run.length < 2 * foldEnds + foldLeast) folded.push(...run)
    else {
      const middle = run.slice(foldEnds, -foldEnds).map(item => item.call)
      folded.push(...run.slice(0, foldEnds), { kind: 'fold', calls: middle }, ...run.slice(-foldEnds))
    }
    run = []
  }
  for (const item of calls) {
    const { call, role } = item
    const isPlain =
      role === 'step' &&
      call.link.relation === 'extend' &&
      call.link.edits.length === 0 &&
      call.call.complete &&
      call.retryOf === null &&
      !call.preambleChanged &&
      !below.has(call.index)
    if (!isPlain || (run[0] !== undefined && run[0].call.call.turn !== call.call.turn)) close()
    if (isPlain) run.push(item)
    else folded.push(item)
  }
  close()
  return folded
}
