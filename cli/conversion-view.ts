// What a conversion says when it is done: the conservation of calls, generations and tokens, what was left out and why, and where the
// rows are. As lines for people and as the JSON of `turnpike convert --json`.

import { readBalance } from '../convert/conversion-counts.ts'
import type { ConversionSummary } from '../convert/convert.ts'
import type { ScopeSight } from '../convert/scope-facts.ts'
import type { ScopeInfo } from '../convert/source.ts'
import { nameUnit, type Split } from '../convert/split.ts'
import { TurnpikeError } from '../core/errors.ts'
import { countOf } from '../report/words.ts'
import type { WrittenFile } from './row-files.ts'

/** `n in = a out + b …`, or what is wrong with it. */
export function describeConversion(summary: ConversionSummary): string[] {
  const { links } = summary
  const balance = readBalance(summary)
  const kinds = (['declared', 'exact', 'copied', 'textual', 'unlinked'] as const).map(
    kind => `${writeCount(links[kind])} ${kind}`,
  )
  const sum = (total: number, parts: ReadonlyArray<readonly [count: number, word: string]>, holds: boolean): string => {
    const shown = parts
      .filter(([count], index) => index === 0 || count > 0)
      .map(([count, word]) => `${writeCount(count)} ${word}`)
    return `${writeCount(total)} in ${holds ? '=' : 'IS NOT'} ${shown.join(' + ')}`
  }
  const generations = sum(
    summary.generations_in,
    [
      [summary.generations_out, 'out'],
      [summary.deselected, 'deselected'],
      [summary.duplicates, 'duplicates'],
    ],
    balance.generations,
  )
  const tokens = sum(
    summary.tokens_in,
    [
      [summary.tokens_out, 'out'],
      [summary.tokens_deselected, 'deselected'],
      [summary.tokens_duplicates, 'duplicates'],
    ],
    balance.tokens,
  )
  return [
    `${writeCount(summary.calls)} calls ${balance.calls ? '=' : 'ARE NOT'} ${kinds.join(' + ')}; generations ${generations}; tokens ${tokens}`,
    ...describeRest(summary),
    ...summary.undecodable_reasons.map(reason => `not decoded: ${reason}`),
  ]
}

function describeRest(summary: ConversionSummary): string[] {
  const facts = [
    countOf(summary.rows, 'row'),
    countOf(summary.lanes, 'lane'),
    ...(summary.alternatives > 0 ? [`${summary.alternatives} alternatives`] : []),
    ...(summary.partial > 0 ? [`${summary.partial} partial answers`] : []),
    ...(summary.failed > 0 ? [`${summary.failed} calls without an answer`] : []),
    ...(summary.undecodable > 0 ? [`${summary.undecodable} exchanges could not be decoded`] : []),
    ...(summary.dropped.length > 0 ? [`${countOf(summary.dropped.length, 'duplicate')} left out`] : []),
  ]
  if (summary.scopes_deselected === 0) return [facts.join(', ')]
  const unknown =
    summary.scopes_unknown === 0 ? '' : `, ${summary.scopes_unknown} of them because what --where asks is not known of them`
  return [facts.join(', '), `${summary.scopes} scopes converted, ${summary.scopes_deselected} not selected${unknown}`]
}

export function holds(summary: ConversionSummary): boolean {
  return Object.values(readBalance(summary)).every(Boolean)
}

export interface PartReport {
  readonly name: string
  readonly share: number
  readonly units: number
  readonly scopes: number
  readonly rows: number
  readonly generations: number
}

/** Of each part what it was to hold and what it holds: few tasks cannot be dealt in any proportion. */
export function reportSplit(
  split: Split,
  files: readonly WrittenFile[],
  scopes: ReadonlyMap<string, readonly ScopeInfo[]>,
): PartReport[] {
  return split.parts.map(({ name, share }) => {
    const own = scopes.get(name) ?? []
    const written = files.filter(file => file.part === name)
    return {
      name,
      share,
      units: new Set(own.map(scope => nameUnit(scope, split.by))).size,
      scopes: own.length,
      rows: written.reduce((sum, file) => sum + file.rows, 0),
      generations: written.reduce((sum, file) => sum + file.generations, 0),
    }
  })
}

export function describeSplit(parts: readonly PartReport[]): string[] {
  const total = parts.reduce((sum, part) => sum + part.generations, 0)
  const percent = (share: number): string => `${Number((share * 100).toFixed(1))} %`
  return parts.map(({ name, share, units, rows, generations }) => {
    const held = total === 0 ? '0 %' : percent(generations / total)
    const what = `${name}: ${countOf(units, 'task')} or sessions, ${countOf(rows, 'row')}, ${held} of the generations (asked: ${percent(share)})`
    return generations === 0 && share > 0 ? `${what}; too few tasks to deal it any` : what
  })
}

/** What there was to choose from. */
export function nothingSelected(scopes: readonly ScopeInfo[], sight: ScopeSight, calls: number | null): TurnpikeError {
  const list = (words: Iterable<string | number>, max = 8): string => {
    const all = [...new Set(words)]
    return all.length <= max ? all.join(', ') : `${all.slice(0, max).join(', ')} and ${all.length - max} more`
  }
  const turns = [...sight.turns].sort((a, b) => a - b)
  const time = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`
  const scores = scopes.flatMap(scope => scope.score ?? [])
  const facts = [
    `${countOf(scopes.length, 'scope')}${calls === null ? '' : ` with ${countOf(calls, 'call')}`}`,
    `tasks ${list(scopes.flatMap(scope => scope.task ?? [])) || 'none'}`,
    `agents ${list(scopes.flatMap(scope => scope.agent?.name ?? [])) || 'unknown'}`,
    ...(scores.length > 0 ? [`scores ${Math.min(...scores)} to ${Math.max(...scores)}`] : []),
    ...(turns.length > 0 ? [`turns ${list(turns, 20)}`] : []),
    ...(sight.models.size > 0 ? [`models ${list([...sight.models].sort())}`] : []),
    ...(sight.from !== null && sight.to !== null ? [`calls from ${time(sight.from)} to ${time(sight.to)}`] : []),
  ]
  return new TurnpikeError('E_SELECTION_EMPTY', `the selection leaves nothing; there was: ${facts.join('; ')}`)
}

function writeCount(count: number): string {
  return count.toLocaleString('en-US')
}
