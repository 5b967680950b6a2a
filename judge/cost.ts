// The fold of decoded calls into tokens and cost: by turn, trial, agent, model, or any key. Sits between store and report.
// Conserves: every call is in exactly one group, and the groups add up to the total. An unknown is counted, never 0.

import { groupBy } from '../core/groups.ts'
import type { CostGroup, CostTotals } from '../core/report.ts'
import type { Call, Trial } from '../core/types.ts'
import { sumWritten } from '../core/usage.ts'
import { compareText } from './grid.ts'

export const costKeys = ['agent', 'model', 'trial', 'task', 'turn', 'attempt', 'session'] as const
export type CostKey = (typeof costKeys)[number]

/** Nothing was generated and the provider billed nothing: an error answer, a refused or failed request. */
export function isFailed(call: Call): boolean {
  return call.error !== null && call.usage === null
}

export function foldTotals(calls: readonly Call[]): CostTotals {
  const tokens = { input: 0, cachedRead: 0, cachedWrite: 0, output: 0, reasoning: 0, unknown: 0 }
  const unpricedModels = new Set<string>()
  const priceVersions = new Set<string>()
  let nanoUsd = 0
  let pricedCalls = 0
  let failedCalls = 0
  for (const call of calls) {
    if (isFailed(call)) {
      failedCalls += 1
      continue
    }
    addTokens(tokens, call)
    if (call.costNanoUsd === null) {
      unpricedModels.add(call.modelAnswered ?? call.modelAsked ?? '(no model)')
      continue
    }
    nanoUsd += call.costNanoUsd
    pricedCalls += 1
    if (call.priceVersion !== null) priceVersions.add(call.priceVersion)
  }
  return {
    calls: calls.length,
    failedCalls,
    tokens,
    nanoUsd,
    pricedCalls,
    unpricedCalls: calls.length - failedCalls - pricedCalls,
    unpricedModels: [...unpricedModels].sort(compareText),
    priceVersions: [...priceVersions].sort(compareText),
  }
}

type Sums = { -readonly [K in keyof CostTotals['tokens']]: CostTotals['tokens'][K] }

function addTokens(sums: Sums, call: Call): void {
  const { usage } = call
  if (usage === null || usage.input === null || usage.output === null) sums.unknown += 1
  if (usage === null) return
  sums.input += usage.input ?? 0
  sums.cachedRead += usage.cachedRead ?? 0
  sums.cachedWrite += sumWritten(usage) ?? 0
  sums.output += usage.output ?? 0
  sums.reasoning += usage.reasoning ?? 0
}

function readKey(call: Call, trial: Trial | undefined, key: CostKey): string {
  switch (key) {
    case 'agent':
      return trial?.agent ?? '(no agent)'
    case 'model':
      return call.modelAnswered ?? call.modelAsked ?? '(no model)'
    case 'trial':
      return trial?.name ?? '(no trial)'
    case 'task':
      return trial?.taskId ?? '(no task)'
    case 'turn':
      return call.turn === null ? '(no turn)' : String(call.turn)
    case 'attempt':
      return call.attempt === null ? '(no attempt)' : String(call.attempt)
    case 'session':
      return call.scopeId
  }
}

/** Groups by the given keys, in their order; rows sorted by key, numbers by value. */
export function foldCosts(calls: readonly Call[], trials: readonly Trial[], by: readonly CostKey[]): CostGroup[] {
  const trialById = new Map(trials.map(trial => [trial.id, trial]))
  const groups = groupBy(calls, call => JSON.stringify(by.map(key => readKey(call, trialById.get(call.scopeId), key))))
  return [...groups]
    .map(([joined, members]) => {
      const values = JSON.parse(joined) as string[]
      return {
        key: Object.fromEntries(by.map((key, index) => [key, values[index] ?? ''])),
        totals: foldTotals(members),
      }
    })
    .sort((a, b) => compareKeys(a.key, b.key, by))
}

function compareKeys(a: CostGroup['key'], b: CostGroup['key'], by: readonly CostKey[]): number {
  for (const key of by) {
    const [left, right] = [a[key] ?? '', b[key] ?? '']
    // Turns compare as numbers, names as text: a name gives NaN, which is falsy.
    const order = Number(left) - Number(right) || compareText(left, right)
    if (order !== 0) return order
  }
  return 0
}
