// The words and signs that every view shares: metrics, cells, counts, times. Pure text, no colour, no layout.

import { formatCost } from '../core/money.ts'
import type { CostGroup, CostTotals, Metric, ReportCell, ReportData, ReportFailure } from '../core/report.ts'
import type { TurnState } from '../core/types.ts'

/** One sign per state, readable without colour. */
export const cellSigns: Readonly<Record<TurnState, string>> = {
  passed: '✓',
  failed: '✗',
  'not-reached': '·',
  'agent-error': '!',
  'infra-error': '?',
  skipped: '»',
  missing: '_',
}

export const cellLegend =
  '✓ passed  ✗ failed  · not reached  ! agent error  ? infrastructure error  » skipped  _ missing; a number is the attempts used'

/** The sign, with the attempts when there was more than one. */
export function writeCell(cell: ReportCell): string {
  return cellSigns[cell.state] + (cell.attempts > 1 ? String(cell.attempts) : '')
}

export function writeNumber(value: number, unit: Metric['unit']): string {
  switch (unit) {
    case 'share':
      return value.toFixed(3)
    case 'percent':
      return value.toFixed(1)
    case 'count':
      return String(value)
    case 'usd':
      return `$${value.toFixed(value >= 1 ? 3 : 4)}`
    case 'turns':
    case 'attempts':
      return value.toFixed(2)
  }
}

export function writeValue(metric: Metric): string {
  return metric.score.kind === 'scored' ? writeNumber(metric.score.value, metric.unit) : 'unscored'
}

export function writeInterval(metric: Metric): string {
  if (metric.interval === null) return ''
  return `[${writeNumber(metric.interval.low, metric.unit)}, ${writeNumber(metric.interval.high, metric.unit)}]`
}

export function writeBounds(metric: Metric): string {
  if (metric.bounds === null) return ''
  return `[${writeNumber(metric.bounds.allFail, metric.unit)}, ${writeNumber(metric.bounds.allPass, metric.unit)}]`
}

/** `26 tasks`, or `24 of 26 tasks` when some could not be scored. */
export function writeDenominator(metric: Metric): string {
  if (metric.score.kind === 'unscored') return `0 of ${metric.planned} ${metric.denominatorName}`
  const { denominator } = metric.score
  return denominator === metric.planned
    ? `${denominator} ${metric.denominatorName}`
    : `${denominator} of ${metric.planned} ${metric.denominatorName}`
}

/** What each printed metric means, once. */
export function listMeanings(data: ReportData): string[] {
  const meanings = new Map<string, string>()
  for (const agent of data.score.agents)
    for (const metric of agent.metrics) if (metric.note !== null) meanings.set(metric.label, metric.note)
  return [...meanings].map(([label, note]) => `${label}: ${note}.`)
}

export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

export function writeCount(count: number): string {
  return count.toLocaleString('en-US')
}

export function writeTime(at: number | null): string {
  return at === null ? 'not ended' : `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

export function writeAgent(agent: { readonly agent: string; readonly model: string | null }): string {
  return agent.model === null ? agent.agent : `${agent.agent} (${agent.model})`
}

/** Identity lines, name and value. */
export function listIdentity(data: ReportData): ReadonlyArray<readonly [name: string, value: string]> {
  const { identity } = data
  const policy = Object.entries(identity.policy).map(([key, value]) => `${key}=${value}`)
  return [
    ['run', `${identity.run} (${identity.id}), ${identity.state}`],
    ['time', `${writeTime(identity.startedAt)} to ${writeTime(identity.endedAt)}`],
    ...identity.agents.map((agent): [string, string] => [
      'agent',
      writeAgent(agent) + (agent.modelsAnswered.length > 0 ? `, answered by ${agent.modelsAnswered.join(', ')}` : ''),
    ]),
    ['policy', policy.length > 0 ? policy.join(' ') : 'not recorded'],
    ['prices', identity.priceVersions.length > 0 ? identity.priceVersions.join(', ') : 'no call is priced'],
    ['turnpike', identity.turnpikeVersion],
  ]
}

export const simulatedStrip = 'SIMULATED: a scripted model answered, no real one. These numbers say nothing about any model.'

export const costColumns = ['calls', 'input', 'cached read', 'cached write', 'output', 'cost'] as const

export function nameGroup(group: CostGroup): string {
  return Object.entries(group.key)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')
}

export function writeCostRow(name: string, totals: CostTotals): string[] {
  const { tokens } = totals
  const counts = [totals.calls, tokens.input, tokens.cachedRead, tokens.cachedWrite, tokens.output].map(writeCount)
  return [name, ...counts, formatCost(totals)]
}

/** Agents and verifiers write test names and messages: no control sequence or direction mark of theirs may reach a screen. */
export function cleanText(text: string): string {
  return text.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ')
}

/** Name and first line of the message. */
export function writeTest(test: ReportFailure['tests'][number]): string {
  const message = test.message.split('\n')[0] ?? ''
  return cleanText(message === '' ? test.name : `${test.name}: ${message}`)
}
