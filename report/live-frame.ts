// A frame of the live view: rows of trials at work, what stands below them, and the line a finished trial leaves. Pure: state, size and
// time in, lines out; no line is wider than the width, and there are never more lines than the height.

import type { createColors } from 'picocolors'
import type { EpochMs } from '../core/types.ts'
import { drawHead, drawRow, planColumns, writeRow } from './live-columns.ts'
import { listFacts, writeProgress } from './live-facts.ts'
import type { LiveState, LiveTrial } from './live-state.ts'
import { foldTotals, type LiveTotals, listDone, turnsOf } from './live-totals.ts'
import { shortenCount, tokensIn, writeCost, writeDuration } from './live-words.ts'
import { cutText, widthOf } from './text-width.ts'
import { cellSigns, cleanText, countOf } from './words.ts'

export type Colours = ReturnType<typeof createColors>

export interface FrameSize {
  readonly width: number
  readonly height: number
}

/** Screens of fewer lines show no names of columns. */
const headFromHeight = 8
const separator = ' · '

export function drawFrame(state: LiveState, size: FrameSize, now: EpochMs, colours: Colours): string[] {
  if (size.height <= 0 || size.width <= 0) return []
  const totals = foldTotals(state, now)
  // Half of a low screen at most; what it costs is worth a row of a trial.
  const below = drawTotals(state, totals, size.width, now, colours).slice(0, Math.max(1, Math.floor(size.height / 2)))
  const active = listActive(state)
  const head = size.height >= headFromHeight && active.length > 0 ? 1 : 0
  const room = size.height - head - below.length
  const shown = active.length <= room ? active : active.slice(0, Math.max(0, room - 1))
  const rows = shown.map(trial => writeRow(trial, state.plan, now, size.width))
  const layout = planColumns(rows, size.width - 2)
  const lines = rows.map((row, index) =>
    paintRow(cutText(`${markOf(shown[index])} ${drawRow(row, layout)}`, size.width), shown[index], colours),
  )
  const hidden = active.length - shown.length
  const more = hidden > 0 && room > 0 ? [colours.dim(cutText(`… and ${countOf(hidden, 'more trial')} at work`, size.width))] : []
  const heads = head === 0 || shown.length === 0 ? [] : [colours.dim(cutText(`  ${drawHead(layout)}`, size.width).trimEnd())]
  return [...heads, ...lines, ...more, ...below].slice(0, size.height)
}

/** Those at work, as they began, before those that pause. */
function listActive(state: LiveState): LiveTrial[] {
  const trials = [...state.trials.values()]
  return [...trials.filter(trial => trial.phase === 'running'), ...trials.filter(trial => trial.phase === 'waiting')]
}

function markOf(trial: LiveTrial | undefined): string {
  return trial?.phase === 'running' ? (trial.activity.kind === 'repairing' ? '!' : '●') : '○'
}

function paintRow(line: string, trial: LiveTrial | undefined, colours: Colours): string {
  if (trial === undefined || trial.phase === 'waiting') return colours.dim(line)
  if (trial.activity.kind === 'repairing' || trial.heldBy !== null) return colours.yellow(line)
  if (trial.activity.kind === 'verifying') return colours.cyan(line)
  const detail = trial.activity.kind === 'judged' || trial.activity.kind === 'between' ? trial.activity.detail : null
  return detail === null ? line : detail === 'passed' ? colours.green(line) : colours.red(line)
}

/** The line that tells how far it is, and what there is to count, on as many lines as it takes. */
export function drawTotals(state: LiveState, totals: LiveTotals, width: number, now: EpochMs, colours: Colours): string[] {
  const elapsedMs = state.startedAt === null ? 0 : (state.endedAt ?? now) - state.startedAt
  const progress = writeProgress(totals, elapsedMs, width)
  const facts = listFacts(totals, state.plan)
  const bar = colours.green(progress.full) + colours.dim(progress.empty)
  return [bar + progress.text, ...packFacts(facts, width).map(line => colours.dim(line))]
}

/** As many facts on a line as fit; none is broken. */
export function packFacts(facts: readonly string[], width: number): string[] {
  const lines: string[] = []
  for (const fact of facts) {
    const last = lines.at(-1)
    const joined = last === undefined ? fact : `${last}${separator}${fact}`
    if (last !== undefined && widthOf(joined) <= width) lines[lines.length - 1] = joined
    else lines.push(cutText(fact, width))
  }
  return lines
}

/** What stays on the screen of a trial that has ended. */
export function drawEnded(trial: LiveTrial, width: number, colours: Colours): string {
  const states = listDone(trial)
  const passed = states.filter(state => state === 'passed').length
  const isWhole = trial.phase === 'finished' && passed === turnsOf(trial)
  const sign = trial.phase === 'failed' ? '✗' : isWhole ? '✓' : '–'
  const line = cutText(`${sign} ${describeEnd(trial, width - 2)}`, width)
  return trial.phase === 'failed' ? colours.red(line) : isWhole ? colours.green(line) : colours.yellow(line)
}

const stripTurnsMax = 30
const [reasonRank, reasonLeast] = [8, 12]

/** Name, outcome and turns always; then as much of the rest as fits, the most telling first, in an order of their own. */
function describeEnd(trial: LiveTrial, width: number): string {
  const { figures, outcome, reason } = trial
  const planned = turnsOf(trial)
  const states = [...trial.states].filter(([turn]) => turn >= trial.firstTurn && turn <= trial.lastTurn).sort(([a], [b]) => a - b)
  const passed = states.filter(([, state]) => state === 'passed').length
  const strip = planned > 1 && planned <= stripTurnsMax ? states.map(([, state]) => cellSigns[state] ?? '?').join('') : ''
  const cost = figures === null ? null : writeCost(figures)
  const tokens = figures === null ? '' : `${shortenCount(tokensIn(figures))} in, ${shortenCount(figures.tokens.output)} out`
  const parts: ReadonlyArray<readonly [rank: number, text: string]> = [
    [0, cleanText(trial.name)],
    [1, cleanText(outcome ?? 'ended')],
    [2, `${passed} of ${planned} ${planned === 1 ? 'turn' : 'turns'} passed`],
    [4, strip],
    [7, figures === null || figures.calls === 0 ? '' : countOf(figures.calls, 'call')],
    [6, figures === null || figures.calls === 0 ? '' : tokens],
    [3, cost ?? ''],
    [5, writeDuration((trial.endedAt ?? trial.startedAt) - trial.startedAt)],
    [reasonRank, cleanText(reason ?? '')],
  ]
  const said = parts.filter(([, text]) => text !== '')
  const join = (some: typeof parts): string => some.map(([, text]) => text).join('  ')
  let kept = said.filter(([rank]) => rank !== reasonRank)
  // A reason is as long as it is: it is cut, not left out, where there is room for some of it.
  if (width - widthOf(join(kept)) >= reasonLeast) return join(said)
  for (let rank = reasonRank - 1; rank > 2 && widthOf(join(kept)) > width; rank--) kept = kept.filter(([other]) => other !== rank)
  return join(kept)
}
