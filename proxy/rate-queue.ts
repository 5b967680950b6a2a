// Who may call a provider now: at most so many at once, so many calls and tokens in any sixty seconds. The others wait: in order within a
// scope, and the scopes take turns, so that a busy trial cannot starve a quiet one. Knows no network; the time is handed in.

import { addTo } from '../core/groups.ts'

export interface ProviderLimits {
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  readonly concurrent: number | null
}

export interface RateTicket {
  /** False when the call could go at once, inside `enter`. */
  readonly waited: () => boolean
  /** Leaves the queue, or gives the place back: the call is over. */
  readonly leave: () => void
  /** What the call really used, in place of the estimate. */
  readonly correct: (tokens: number) => void
}

export interface RateQueue {
  /** `go` is called once, at once or later; never after `leave`. */
  readonly enter: (scopeId: string, tokens: number, go: () => void) => RateTicket
  readonly waiting: () => number
  readonly close: () => void
}

const windowMs = 60_000

interface Start {
  readonly at: number
  tokens: number
}

interface Waiter {
  readonly scopeId: string
  readonly tokens: number
  readonly go: (start: Start) => void
}

export function createRateQueue(limits: ProviderLimits, now: () => number): RateQueue {
  const lanes = new Map<string, Waiter[]>()
  const starts: Start[] = []
  let running = 0
  let timer: NodeJS.Timeout | null = null

  const begin = (lane: Lane, waiter: Waiter): void => {
    lane.waiters.shift()
    // To the end of the round, so that the next scope is served first.
    lanes.delete(lane.scopeId)
    if (lane.waiters.length > 0) lanes.set(lane.scopeId, lane.waiters)
    const start = { at: now(), tokens: waiter.tokens }
    starts.push(start)
    running += 1
    waiter.go(start)
  }
  const pump = (): void => {
    for (let lane = nextLane(lanes); lane !== null; lane = nextLane(lanes)) {
      const [waiter] = lane.waiters
      // Whoever is next is waited for: letting a small call overtake would keep a large one waiting for ever.
      if (waiter === undefined || (limits.concurrent !== null && running >= limits.concurrent)) return
      const delayMs = delayOf(limits, starts, waiter.tokens, now())
      if (delayMs > 0) {
        if (timer !== null) clearTimeout(timer)
        timer = setTimeout(pump, delayMs)
        return
      }
      begin(lane, waiter)
    }
  }

  const enter: RateQueue['enter'] = (scopeId, tokens, go) => {
    let state: 'waiting' | 'running' | 'over' = 'waiting'
    let start: Start | null = null
    let entered = false
    let waited = false
    const waiter: Waiter = {
      scopeId,
      tokens,
      go: begun => {
        state = 'running'
        start = begun
        waited = entered
        go()
      },
    }
    addTo(lanes, scopeId, waiter)
    pump()
    entered = true
    return {
      waited: () => waited || state === 'waiting',
      leave: () => {
        if (state === 'over') return
        if (state === 'running') running -= 1
        else removeWaiter(lanes, waiter)
        state = 'over'
        pump()
      },
      correct: used => {
        if (start === null) return
        start.tokens = used
        pump()
      },
    }
  }

  return {
    enter,
    waiting: () => [...lanes.values()].reduce((sum, waiters) => sum + waiters.length, 0),
    close: () => {
      if (timer !== null) clearTimeout(timer)
    },
  }
}

/** How long until this call fits into the window; 0 = now. Forgets what has left the window. */
function delayOf(limits: ProviderLimits, starts: Start[], wantedTokens: number, at: number): number {
  while (starts[0] !== undefined && at - starts[0].at >= windowMs) starts.shift()
  const { requestsPerMinute: requests, tokensPerMinute: tokens } = limits
  // Old calls that must have left the window before this one fits; one that is larger than the window goes alone.
  let leaving = requests === null ? 0 : Math.max(0, starts.length - requests + 1)
  let used = starts.slice(leaving).reduce((sum, start) => sum + start.tokens, 0)
  while (tokens !== null && leaving < starts.length && used > 0 && used + wantedTokens > tokens) {
    used -= starts[leaving]?.tokens ?? 0
    leaving++
  }
  const last = starts[leaving - 1]
  return last === undefined ? 0 : Math.max(1, last.at + windowMs - at)
}

interface Lane {
  readonly scopeId: string
  readonly waiters: Waiter[]
}

function nextLane(lanes: ReadonlyMap<string, Waiter[]>): Lane | null {
  for (const [scopeId, waiters] of lanes) return { scopeId, waiters }
  return null
}

function removeWaiter(lanes: Map<string, Waiter[]>, waiter: Waiter): void {
  const lane = lanes.get(waiter.scopeId)
  if (lane === undefined) return
  const at = lane.indexOf(waiter)
  if (at >= 0) lane.splice(at, 1)
  if (lane.length === 0) lanes.delete(waiter.scopeId)
}
