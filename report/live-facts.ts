// What the lines below the running trials say: how far the run is and when it will be over, how many trials, what it has cost. Pure text.

import type { LivePlan } from './live-state.ts'
import type { LiveTotals } from './live-totals.ts'
import { shortenCount, tokensIn, writeCost, writeDuration, writeInput } from './live-words.ts'
import { cutText } from './text-width.ts'
import { countOf } from './words.ts'

export interface Progress {
  /** The bar, its done part and the rest; both empty where there is no room. */
  readonly full: string
  readonly empty: string
  readonly text: string
}

const [barLeast, barMost] = [8, 40]
/** A screen of this width has room to say how long turns take. */
const paceFromWidth = 100

/** `━━━━────  25%  9/36 turns, 7 passed  2m 10s  ~6m 40s left`. */
export function writeProgress(totals: LiveTotals, elapsedMs: number, width: number): Progress {
  const { doneTurns, plannedTurns, passedTurns } = totals
  const share = plannedTurns === 0 ? 0 : Math.min(1, doneTurns / plannedTurns)
  const turns = `${doneTurns}/${plannedTurns} turns`
  const left = describeLeft(totals, width >= paceFromWidth)
  const passed = doneTurns === 0 ? [] : [`${passedTurns} passed`]
  const times = [writeDuration(elapsedMs), ...(left === null ? [] : [left])]
  const words = [`${Math.floor(share * 100)}%`, [turns, ...passed].join(', '), ...times]
  const text = words.join('  ')
  const room = width - text.length - 2
  if (room < barLeast) {
    // Without a bar the share is told by the turns.
    return { full: '', empty: '', text: cutText(text.length <= width ? text : [turns, ...times].join('  '), width) }
  }
  const length = Math.min(barMost, room)
  const full = Math.floor(share * length)
  return { full: '━'.repeat(full), empty: '─'.repeat(length - full), text: `  ${text}` }
}

/** `~6m 40s left`: an estimate, and nothing while there is no basis for one. */
export function describeLeft({ leftMs, turnMs }: LiveTotals, withPace: boolean): string | null {
  if (leftMs === null) return null
  const pace = withPace && turnMs !== null ? ` (${writeDuration(turnMs)} a turn)` : ''
  return `~${writeDuration(coarsen(leftMs))} left${pace}`
}

/** No finer than it can be known: what is far away is told in larger steps. */
function coarsen(ms: number): number {
  const step = ms > 600_000 ? 60_000 : ms > 60_000 ? 10_000 : 1_000
  return Math.ceil(ms / step) * step
}

export function listFacts(totals: LiveTotals, { budget }: LivePlan): string[] {
  const { trials, finished, failed, interrupted, running, waiting, figures } = totals
  const counts = [
    `${finished + failed}/${countOf(trials, 'trial')} done`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(interrupted === 0 ? [] : [`${interrupted} interrupted`]),
    ...(running === 0 ? [] : [`${running} running`]),
    ...(waiting === 0 ? [] : [`${waiting} waiting`]),
  ]
  if (figures === null || figures.calls === 0) return counts
  const callsMax = budget.calls === null ? '' : ` of ${budget.calls}`
  const used = tokensIn(figures) + figures.tokens.output
  const tokensMax = budget.tokens === null ? [] : [`${shortenCount(used)} of ${shortenCount(budget.tokens)} tokens`]
  const spent = writeCost(figures)
  const costMax = budget.costUsd === null ? '' : ` of $${budget.costUsd}`
  const cost = spent === null ? (figures.unpricedCalls === 0 ? [] : ['no prices']) : [`${spent}${costMax}`]
  const calls = `${figures.calls}${callsMax} ${figures.calls === 1 && callsMax === '' ? 'call' : 'calls'}`
  return [...counts, calls, writeInput(figures), `${shortenCount(figures.tokens.output)} out`, ...tokensMax, ...cost]
}
