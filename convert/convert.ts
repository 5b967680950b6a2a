// The conversion stage: recorded scopes -> call tree -> lanes -> rows of a format, one scope in memory at a time.
// Counts both ends: what the calls hold and what the rows hold, so that a lost or doubled generation shows as a number.

import { TurnpikeError } from '../core/errors.ts'
import type { Usage } from '../core/types.ts'
import type { ExchangeFilter, Ref, Store } from '../store/_adapter.ts'
import { findFormat } from './formats/_all.ts'
import { buildLanes } from './lanes.ts'
import type { LinkKind } from './link.ts'
import { loadSource } from './load.ts'
import { findPolicy } from './policies/_all.ts'
import type { ScopeInfo } from './source.ts'
import { readStoreScope } from './source-store.ts'
import type { Trajectory } from './trajectory.ts'
import { writeFailedCall } from './trajectory-builder.ts'
import { buildTree, type CallTree } from './tree.ts'

export interface ConvertOptions {
  readonly format: string
  readonly policy?: string
  readonly onProgress?: (scopes: number, total: number) => void
}

/** Snake case: printed as it is. */
export interface ConversionSummary {
  readonly calls: number
  readonly lanes: number
  /** Rows that are answers nothing continued, beside the lane that was continued. */
  readonly alternatives: number
  readonly rows: number
  /** Recorded answers with content, and how many of them the rows mark as generated. */
  readonly generations_in: number
  readonly generations_out: number
  readonly partial: number
  /** Calls that generated nothing. */
  readonly failed: number
  readonly undecodable: number
  readonly links: Readonly<Record<LinkKind, number>>
  /** All classes of tokens over the calls, and over the rows with the calls that no row holds. */
  readonly tokens_in: number
  readonly tokens_out: number
}

export interface Conversion {
  /** One line of the output each, without the line break. Read it to its end, once. */
  readonly rows: AsyncIterable<string>
  /** Complete once the rows are read. */
  readonly summary: () => ConversionSummary
}

type Counts = { -readonly [K in keyof ConversionSummary]: K extends 'links' ? Record<LinkKind, number> : ConversionSummary[K] }

interface Scope {
  readonly filter: ExchangeFilter
  readonly scope: ScopeInfo
}

export function convertScopes(store: Store, refs: readonly Ref[], options: ConvertOptions): Conversion {
  const format = findFormat(options.format)
  const policy = findPolicy(options.policy ?? 'readable')
  if (!format.policies.includes(policy.id))
    throw new TurnpikeError('E_USAGE', `format ${format.id} cannot hold what policy ${policy.id} makes`, {
      hint: `use one of: ${format.policies.join(', ')}`,
    })
  const counts = startCounts()

  async function* writeRows(): AsyncGenerator<string> {
    const scopes = await listScopes(store, refs)
    for (const [index, { filter, scope }] of scopes.entries()) {
      const loaded = await loadSource(readStoreScope(store, filter, scope))
      const tree = buildTree(loaded)
      const lanes = buildLanes(tree)
      counts.undecodable += loaded.undecodable
      counts.lanes += lanes.lanes.length
      countCalls(counts, tree)
      for (const { call } of lanes.stray) counts.tokens_out += sumTokens(call.usage)
      const stray = lanes.stray.map(({ call }) => writeFailedCall(call))
      const trajectories = countTrajectories(counts, policy.build(tree, lanes))
      for (const row of format.write({ scope, policy: policy.id, trajectories, stray })) {
        counts.rows += 1
        counts.generations_out += format.listGenerations(row).length
        yield JSON.stringify(row)
      }
      options.onProgress?.(index + 1, scopes.length)
    }
  }

  return { rows: writeRows(), summary: () => ({ ...counts, links: { ...counts.links } }) }
}

function* countTrajectories(counts: Counts, trajectories: Iterable<Trajectory>): Generator<Trajectory> {
  for (const trajectory of trajectories) {
    if (trajectory.kind === 'alternative') counts.alternatives += 1
    counts.tokens_out += sumTrajectory(trajectory)
    yield trajectory
  }
}

function countCalls(counts: Counts, tree: CallTree): void {
  for (const { call, link } of tree.calls) {
    counts.calls += 1
    counts.links[link.kind] += 1
    counts.tokens_in += sumTokens(call.usage)
    if (call.answer === null) counts.failed += 1
    else counts.generations_in += 1
    if (call.answer !== null && !call.complete) counts.partial += 1
  }
}

const unknown = { runId: null, task: null, agent: null, score: null }

/** A run is its trials; each scope once, however often it is named. */
async function listScopes(store: Store, refs: readonly Ref[]): Promise<Scope[]> {
  const scopes = new Map<string, Scope>()
  for (const ref of refs) {
    if (ref.kind === 'run')
      for (const trial of await store.list('trials', { runId: ref.id }))
        scopes.set(trial.id, {
          filter: { scopeId: trial.id },
          scope: { ...unknown, kind: 'trial', id: trial.id, name: trial.name },
        })
    else if (ref.kind === 'exchange') {
      const [exchange] = await store.exchanges({ id: ref.id })
      if (exchange !== undefined)
        scopes.set(ref.id, { filter: { id: ref.id }, scope: { ...unknown, ...exchange.scope, name: exchange.scope.id } })
    } else scopes.set(ref.id, { filter: { scopeId: ref.id }, scope: { ...unknown, kind: ref.kind, id: ref.id, name: ref.name } })
  }
  return [...scopes.values()]
}

function startCounts(): Counts {
  return {
    calls: 0,
    lanes: 0,
    alternatives: 0,
    rows: 0,
    generations_in: 0,
    generations_out: 0,
    partial: 0,
    failed: 0,
    undecodable: 0,
    links: { exact: 0, copied: 0, textual: 0, declared: 0, unlinked: 0 },
    tokens_in: 0,
    tokens_out: 0,
  }
}

function sumTrajectory(trajectory: Trajectory): number {
  const generated = trajectory.steps.reduce((sum, step) => sum + sumTokens(step.generation?.usage ?? null), 0)
  return trajectory.failed.reduce((sum, call) => sum + sumTokens(call.usage), generated)
}

/** Reasoning is part of the output. */
function sumTokens(usage: Usage | null): number {
  if (usage === null) return 0
  const classes = [usage.input, usage.cachedRead, usage.cachedWrite5m, usage.cachedWrite1h, usage.cachedWriteOther, usage.output]
  return classes.reduce<number>((sum, tokens) => sum + (tokens ?? 0), 0)
}
