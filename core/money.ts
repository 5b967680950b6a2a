// Money as text and as plain numbers. An amount that is not wholly known is said to be a lower bound, and never becomes 0.

import type { CostTotals } from './report.ts'

/** `$0.0123`, `≥ $0.0123 (2 calls unpriced)`, or `unknown (2 calls unpriced)` when nothing is priced. */
export function formatCost(totals: Pick<CostTotals, 'nanoUsd' | 'pricedCalls' | 'unpricedCalls'>): string {
  const calls = totals.unpricedCalls === 1 ? '1 call' : `${totals.unpricedCalls} calls`
  if (totals.unpricedCalls === 0) return totals.pricedCalls === 0 ? '–' : formatUsd(totals.nanoUsd)
  if (totals.pricedCalls === 0) return `unknown (${calls} unpriced)`
  return `≥ ${formatUsd(totals.nanoUsd)} (${calls} unpriced)`
}

/** Enough digits to see small sums: four below a dollar, two from ten dollars on. */
export function formatUsd(nanoUsd: number): string {
  const usd = nanoUsd / 1e9
  return `$${usd.toFixed(usd >= 10 ? 2 : usd >= 1 ? 3 : 4)}`
}

/** Exact only when every call that could cost has a price; null otherwise. */
export function readUsd(totals: CostTotals): number | null {
  return totals.unpricedCalls === 0 && totals.pricedCalls > 0 ? totals.nanoUsd / 1e9 : null
}
