// The proxy benchmark on paper: one table a case, ratios against the yardsticks, and the goals, reached or not.
import Table from 'cli-table3'
import type { CaseResult, Measured } from './proxy-measure.ts'
import { showBytes } from './statistics.ts'

export interface Goal {
  readonly case: string
  readonly goal: string
  readonly value: number
  readonly bound: number
  readonly reached: boolean
}

const cpuRatioMax = 1.5
const throughputRatioMin = 5

export function find(result: CaseResult, target: string): Measured | null {
  const outcome = result.outcomes.find(one => one.target === target)
  return outcome?.kind === 'measured' ? outcome : null
}

export function judgeGoals(results: readonly CaseResult[]): Goal[] {
  return results.flatMap(result => {
    const turnpike = find(result, 'turnpike')
    if (turnpike === null) return []
    const goals: Goal[] = []
    const httpxy = find(result, 'httpxy')
    if (httpxy !== null) {
      const value = turnpike.cpuUs / httpxy.cpuUs
      goals.push({
        case: result.case.id,
        goal: 'CPU per request against bare httpxy',
        value,
        bound: cpuRatioMax,
        reached: value <= cpuRatioMax,
      })
    }
    for (const rival of ['portkey', 'mitmdump', 'mitmdump-streaming']) {
      const other = find(result, rival)
      if (other === null) continue
      const value = turnpike.sustainedPerSecond / other.perSecond
      goals.push({
        case: result.case.id,
        goal: `throughput against ${rival}`,
        value,
        bound: throughputRatioMin,
        reached: value >= throughputRatioMin,
      })
    }
    return goals
  })
}

export function renderCase(result: CaseResult): string {
  const direct = find(result, 'direct')
  const httpxy = find(result, 'httpxy')
  const turnpike = find(result, 'turnpike')
  const table = new Table({
    head: [
      'target',
      'req/s',
      'sustained',
      'p50 added',
      'p99 added',
      'CPU µs',
      'of it later',
      'off main',
      'CPU : httpxy',
      'Turnpike ×',
      'disk/req',
      'peak RSS',
    ],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', ...Array.from({ length: 11 }, () => 'right' as const)],
  })
  for (const outcome of result.outcomes) {
    if (outcome.kind === 'wrong') continue
    const { cpuUs, perSecond } = outcome
    const added = (read: (one: Measured) => number): string =>
      direct === null || outcome === direct
        ? `(${Math.round(read(outcome))} µs)`
        : `${Math.round(read(outcome) - read(direct))} µs`
    table.push([
      outcome.target + (outcome.fidelity === 'rewritten' ? ' (rewrites)' : '') + (outcome.settled ? '' : ' (never at rest)'),
      Math.round(perSecond),
      Math.round(outcome.sustainedPerSecond),
      added(one => one.p50Us),
      added(one => one.p99Us),
      outcome === direct ? '–' : `${Math.round(cpuUs)} ±${Math.round(outcome.cpuSpread * 50)} %`,
      outcome === direct ? '–' : Math.round(outcome.cpuAfterUs),
      outcome === direct ? '–' : Math.round(outcome.cpuOffMainUs),
      httpxy === null || outcome === direct ? '–' : (cpuUs / httpxy.cpuUs).toFixed(2),
      turnpike === null || outcome === direct ? '–' : (turnpike.sustainedPerSecond / perSecond).toFixed(2),
      outcome.diskBytesPerRequest === null ? '–' : showBytes(outcome.diskBytesPerRequest),
      outcome === direct ? '–' : showBytes(outcome.peakRssBytes),
    ])
  }
  const wrong = result.outcomes.flatMap(one =>
    one.kind === 'wrong' ? [`  ${one.target}: answers wrongly, not measured: ${one.reason}`] : [],
  )
  const mean = direct === null ? '' : ` (requests of ${showBytes(direct.requestBytes)} on average)`
  return [`${result.case.title}${mean}`, table.toString(), ...wrong, ...describeRecord(result)].join('\n')
}

function describeRecord({ record }: CaseResult): string[] {
  if (record === null) return []
  const { exchanges, hashesCompared, bytesRaw, bytesStored, faults } = record
  const verdict = faults.length === 0 ? 'whole' : `NOT whole:\n    ${faults.slice(0, 10).join('\n    ')}`
  return [
    `  record: ${exchanges} exchanges, ${hashesCompared} hashes compared with what was sent, every body read back: ${showBytes(bytesRaw)} in ${showBytes(bytesStored)}: ${verdict}`,
  ]
}

export function renderGoals(goals: readonly Goal[]): string {
  const lines = goals.map(({ case: name, goal, value, bound, reached }) => {
    const sign = goal.startsWith('CPU') ? '≤' : '≥'
    return `  ${reached ? 'reached    ' : 'NOT reached'}  ${name.padEnd(14)} ${goal}: ${value.toFixed(2)} (goal ${sign} ${bound})`
  })
  return ['Goals', ...lines].join('\n')
}
