// What a conversion counts at both ends, so that a lost or doubled generation shows as a number: sums of scopes, and whether they hold.
// Plain data that threads can hand over; snake case, printed as it is.

import type { Usage } from '../core/types.ts'
import type { LinkKind } from './link.ts'
import type { Undecodable } from './source.ts'
import type { Trajectory } from './trajectory.ts'
import type { CallTree } from './tree.ts'

export interface ConversionCounts {
  calls: number
  lanes: number
  /** Rows that are answers nothing continued, beside the lane that was continued. */
  alternatives: number
  rows: number
  /** Recorded answers with content, and how many of them the rows mark as generated. */
  generations_in: number
  generations_out: number
  /** Generations that a selection left as context or out; and those of trajectories that an equal one stands for. */
  deselected: number
  duplicates: number
  partial: number
  /** Calls that generated nothing. */
  failed: number
  undecodable: number
  links: Record<LinkKind, number>
  /** All classes of tokens over the calls, and over the rows with the calls that no row holds. */
  tokens_in: number
  tokens_out: number
  tokens_deselected: number
  tokens_duplicates: number
  /** Converted; left out as a whole by a selection; and of those, the ones about which too little is known. */
  scopes: number
  scopes_deselected: number
  scopes_unknown: number
}

export function startCounts(): ConversionCounts {
  return {
    calls: 0,
    lanes: 0,
    alternatives: 0,
    rows: 0,
    generations_in: 0,
    generations_out: 0,
    deselected: 0,
    duplicates: 0,
    partial: 0,
    failed: 0,
    undecodable: 0,
    links: { declared: 0, exact: 0, copied: 0, textual: 0, unlinked: 0 },
    tokens_in: 0,
    tokens_out: 0,
    tokens_deselected: 0,
    tokens_duplicates: 0,
    scopes: 0,
    scopes_deselected: 0,
    scopes_unknown: 0,
  }
}

export function addCounts(sum: ConversionCounts, more: ConversionCounts): void {
  for (const [key, value] of Object.entries(more) as Array<[keyof ConversionCounts, unknown]>)
    if (key !== 'links' && typeof value === 'number') sum[key] += value
  for (const [kind, value] of Object.entries(more.links) as Array<[LinkKind, number]>) sum.links[kind] += value
}

export function countCalls(counts: ConversionCounts, tree: CallTree): void {
  for (const { call, link } of tree.calls) {
    counts.calls += 1
    counts.links[link.kind] += 1
    counts.tokens_in += sumTokens(call.usage)
    if (call.answer === null) counts.failed += 1
    else counts.generations_in += 1
    if (call.answer !== null && !call.complete) counts.partial += 1
  }
}

/** Within a trajectory the file itself says what follows what; how its first call was linked stands with it. */
export function countSet(counts: ConversionCounts, trajectories: readonly Trajectory[]): void {
  for (const trajectory of trajectories) {
    const generations = countGenerations(trajectory)
    counts.calls += generations + trajectory.failed.length
    counts.generations_in += generations
    counts.failed += trajectory.failed.length
    counts.partial += trajectory.steps.filter(step => step.generation?.partial === true).length
    counts.tokens_in += sumTrajectory(trajectory)
    if (trajectory.kind !== 'alternative') counts.lanes += 1
    counts.links.unlinked += trajectory.failed.length
    if (generations === 0) continue
    counts.links[trajectory.parent?.link ?? 'unlinked'] += 1
    counts.links.declared += generations - 1
  }
}

export function sumTrajectory(trajectory: Trajectory): number {
  const generated = trajectory.steps.reduce((sum, step) => sum + sumTokens(step.generation?.usage ?? null), 0)
  return trajectory.failed.reduce((sum, call) => sum + sumTokens(call.usage), generated)
}

export function countGenerations(trajectory: Trajectory): number {
  return trajectory.steps.reduce((sum, step) => sum + (step.generation === null ? 0 : 1), 0)
}

/** Reasoning is part of the output. */
export function sumTokens(usage: Usage | null): number {
  if (usage === null) return 0
  const classes = [usage.input, usage.cachedRead, usage.cachedWrite5m, usage.cachedWrite1h, usage.cachedWriteOther, usage.output]
  return classes.reduce<number>((sum, tokens) => sum + (tokens ?? 0), 0)
}

export type Balance = Readonly<Record<'calls' | 'generations' | 'tokens', boolean>>

/** Whether what went in is what came out and what was left out on purpose. */
export function readBalance(counts: ConversionCounts): Balance {
  const links = Object.values(counts.links).reduce((sum, count) => sum + count, 0)
  return {
    calls: counts.calls === links,
    generations: counts.generations_in === counts.generations_out + counts.deselected + counts.duplicates,
    tokens: counts.tokens_in === counts.tokens_out + counts.tokens_deselected + counts.tokens_duplicates,
  }
}

export function describeUndecodable({ exchangeId, reason }: Undecodable): string {
  return reason.includes(exchangeId) ? reason : `${exchangeId}: ${reason}`
}
