// Which columns the table of running trials has, how wide they are, and which are left out where the screen is narrow. Pure; a row is
// exactly as wide as its columns and the spaces between them, never wider than it was asked to be.

import type { EpochMs } from '../core/types.ts'
import { describeActivity } from './live-activity.ts'
import type { LivePlan, LiveTrial } from './live-state.ts'
import { shortenCount, tokensIn, writeCost, writeDuration } from './live-words.ts'
import { cutMiddle, cutText, padEnd, padStart, widthOf } from './text-width.ts'
import { cleanText } from './words.ts'

type Key = 'trial' | 'turn' | 'title' | 'try' | 'tests' | 'calls' | 'in' | 'cached' | 'out' | 'cost' | 'doing' | 'time'

interface Column {
  readonly key: Key
  readonly head: string
  /** Columns of the screen that it has at least, so that rows do not jump. */
  readonly least: number
  readonly align: 'left' | 'right'
}

const columns: readonly Column[] = [
  { key: 'trial', head: 'trial', least: 8, align: 'left' },
  { key: 'turn', head: 'turn', least: 4, align: 'right' },
  { key: 'title', head: '', least: 0, align: 'left' },
  { key: 'try', head: 'try', least: 3, align: 'right' },
  { key: 'tests', head: 'tests', least: 5, align: 'right' },
  { key: 'calls', head: 'calls', least: 5, align: 'right' },
  { key: 'in', head: 'in', least: 4, align: 'right' },
  { key: 'cached', head: 'cached', least: 6, align: 'right' },
  { key: 'out', head: 'out', least: 4, align: 'right' },
  { key: 'cost', head: 'cost', least: 7, align: 'right' },
  { key: 'doing', head: 'doing', least: 10, align: 'left' },
  { key: 'time', head: 'time', least: 6, align: 'right' },
]

/** What a narrow screen does without, first to last; trial, turn and doing always stay. */
const dispensable: readonly Key[] = ['title', 'cached', 'calls', 'in', 'out', 'try', 'cost', 'tests', 'time']
const gap = '  '
const [titleLeast, titleMost, briefBelow] = [12, 40, 90]
/** Room for most of what a trial does: columns must not move with it. */
const doingLeast = 22

export type TableRow = Readonly<Record<Key, string>>

export interface TableLayout {
  readonly columns: ReadonlyArray<Column & { readonly width: number }>
}

export function writeRow(trial: LiveTrial, plan: LivePlan, now: EpochMs, width: number): TableRow {
  const { figures, turn, attempt, tests } = trial
  const cost = figures === null ? null : writeCost(figures)
  const count = (value: number | undefined): string => (value === undefined ? '' : shortenCount(value))
  return {
    trial: cleanText(trial.name),
    turn: turn === null ? '' : `${turn}/${Math.max(turn, trial.lastTurn)}`,
    title: nameTurn(trial, plan),
    try: attempt === null || plan.attempts === 1 ? '' : `${attempt}/${Math.max(attempt, plan.attempts)}`,
    tests: tests === null ? '' : `${tests.passed}/${tests.total}`,
    calls: count(figures?.calls),
    in: figures === null ? '' : shortenCount(tokensIn(figures)),
    cached: count(figures?.tokens.cachedRead),
    out: count(figures?.tokens.output),
    cost: cost ?? '',
    doing: describeActivity(trial, now, width < briefBelow),
    time: writeDuration((trial.endedAt ?? now) - trial.startedAt),
  }
}

function nameTurn({ task, turn }: LiveTrial, plan: LivePlan): string {
  if (task === null || turn === null) return ''
  return cleanText(plan.turnNames.get(task)?.[turn - 1] ?? '').trim()
}

/** `width` without the mark before each row. */
export function planColumns(rows: readonly TableRow[], width: number): TableLayout {
  // What says nothing in any row (no attempts, no price, no names) needs no column.
  const spoken = columns.filter(({ key }) => !dispensable.includes(key) || rows.some(row => row[key] !== ''))
  const natural = spoken.map(column => {
    const least = column.key === 'doing' && width >= briefBelow ? doingLeast : column.least
    return { ...column, width: Math.max(least, widthOf(column.head), ...rows.map(row => widthOf(row[column.key]))) }
  })
  // A long name must not cost all the others their figures.
  const mosts: Partial<Record<Key, number>> = {
    trial: Math.max(16, Math.floor(width * 0.25)),
    doing: Math.max(doingLeast, Math.floor(width * 0.2)),
    title: titleLeast,
  }
  let shown = natural.map(column => ({ ...column, width: Math.min(column.width, mosts[column.key] ?? column.width) }))
  for (const key of dispensable) {
    if (measure(shown) <= width) break
    shown = shown.filter(column => column.key !== key)
  }
  return { columns: widen(shrink(shown, measure(shown) - width), natural, width) }
}

/** Room that is left goes to names, then to what is done, then to titles. */
function widen(shown: readonly Sized[], natural: readonly Sized[], width: number): Sized[] {
  let sized = [...shown]
  for (const key of ['trial', 'doing', 'title'] as const) {
    const wish = natural.find(column => column.key === key)?.width ?? 0
    const most = key === 'title' ? Math.min(titleMost, wish) : wish
    const spare = width - measure(sized)
    sized = sized.map(column =>
      column.key === key && spare > 0
        ? { ...column, width: Math.max(column.width, Math.min(most, column.width + spare)) }
        : column,
    )
  }
  return sized
}

type Sized = Column & { readonly width: number }

/** Names are cut before what a trial does; where nothing helps, columns at the end go. */
function shrink(shown: readonly Sized[], excess: number): Sized[] {
  let over = excess
  const cut =
    (key: Key, least: number) =>
    (column: Sized): Sized => {
      if (column.key !== key || over <= 0) return column
      const width = Math.max(Math.min(least, column.width), column.width - over)
      over -= column.width - width
      return { ...column, width }
    }
  const shrunk = shown.map(cut('trial', 10)).map(cut('doing', 10)).map(cut('trial', 3)).map(cut('doing', 3))
  return over > 0 && shrunk.length > 1
    ? shrink(shrunk.slice(0, -1), measure(shrunk.slice(0, -1)) - (measure(shrunk) - over))
    : shrunk
}

function measure(shown: readonly Sized[]): number {
  return shown.reduce((sum, column) => sum + column.width, 0) + gap.length * Math.max(0, shown.length - 1)
}

export function drawHead({ columns: shown }: TableLayout): string {
  return shown
    .map(({ head, width, align }) =>
      align === 'left' ? padEnd(cutText(head, width), width) : padStart(cutText(head, width), width),
    )
    .join(gap)
}

export function drawRow(row: TableRow, { columns: shown }: TableLayout): string {
  const cells = shown.map(({ key, width, align }) => {
    const text = key === 'trial' ? cutMiddle(row[key], width) : cutText(row[key], width)
    return align === 'left' ? padEnd(text, width) : padStart(text, width)
  })
  return cells.join(gap).trimEnd()
}
