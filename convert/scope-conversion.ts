// One scope from its calls to the rows of a format: load, tree, lanes, policy, selection, duplicates, rows. Runs alike on the calling
// thread and in a worker; holds one scope, never two. What it gives back depends on the scope and the plan alone.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { TurnpikeError } from '../core/errors.ts'
import { type ConversionCounts, countCalls, countGenerations, sumTokens, sumTrajectory } from './conversion-counts.ts'
import { type Print, printTrajectories } from './duplicates.ts'
import { findFormat } from './formats/_all.ts'
import { buildLanes } from './lanes.ts'
import { loadSource } from './load.ts'
import { findPolicy } from './policies/_all.ts'
import { readFacts, type ScopeSight } from './scope-facts.ts'
import { type Selection, selectsScope, selectTrajectories } from './select.ts'
import type { SourceScope } from './source.ts'
import type { PolicyId, Trajectory } from './trajectory.ts'
import { buildTree } from './tree.ts'
import type { Facts } from './where.ts'

/** Structured-clonable: worker threads get it. */
export interface ConversionPlan {
  readonly format: string
  readonly policy: PolicyId
  readonly selection: Selection
  readonly dedup: boolean
}

export interface ScopeHooks {
  readonly counts: ConversionCounts
  /** What is known of the scope before its calls are read. */
  readonly facts: Facts
  /** Which of the scope's trajectories are left out, as others stand for them; only asked with `dedup`. */
  readonly leaveOut: (prints: readonly Print[]) => Promise<ReadonlySet<string>>
  /** Every call that was read. */
  readonly onCall: () => void
  /** What the scope holds, chosen or not. */
  readonly onSight: (sight: ScopeSight) => void
  /** Lets the thread do something else; throws when the conversion is to stop. */
  readonly breathe: () => Promise<void>
}

/** Names checked and made whole; throws what a person should read. */
export function planConversion(options: {
  readonly format: string
  readonly policy: string
  readonly selection: Selection
  readonly dedup: boolean
}): ConversionPlan {
  const format = findFormat(options.format)
  const policy = findPolicy(options.policy)
  if (!format.policies.includes(policy.id))
    throw new TurnpikeError('E_USAGE', `format ${format.id} cannot hold what policy ${policy.id} makes`, {
      hint: `use one of: ${format.policies.join(', ')}`,
    })
  const { selection, dedup } = options
  return { format: format.id, policy: policy.id, selection, dedup }
}

export interface Row {
  /** JSON, without the line break. */
  readonly text: string
  readonly generations: number
}

export async function* convertScope(source: SourceScope, plan: ConversionPlan, hooks: ScopeHooks): AsyncGenerator<Row> {
  const { counts, breathe } = hooks
  const format = findFormat(plan.format)
  const policy = findPolicy(plan.policy)
  const loaded = await loadSource(watch(source, hooks))
  const tree = buildTree(loaded)
  await breathe()
  const { facts, sight } = readFacts(tree, hooks.facts)
  hooks.onSight(sight)
  if (selectsScope(plan.selection, source.scope, facts) !== true) {
    counts.scopes_deselected += 1
    if (selectsScope(plan.selection, source.scope, facts) === null) counts.scopes_unknown += 1
    return
  }
  const lanes = buildLanes(tree)
  await breathe()
  counts.scopes += 1
  counts.undecodable += loaded.undecodable
  counts.lanes += lanes.lanes.length
  countCalls(counts, tree)
  for (const { call } of lanes.stray) counts.tokens_out += sumTokens(call.usage)
  const build = (counted: ConversionCounts | null): Iterable<Trajectory> =>
    selectTrajectories(policy.build(tree, lanes), plan.selection, policy.id, counted)
  const left = plan.dedup ? await hooks.leaveOut(printTrajectories(build(null), policy.id)) : new Set<string>()
  const trajectories = countTrajectories(counts, build(counts), left)
  for (const row of format.write({ scope: source.scope, policy: policy.id, trajectories })) {
    const generations = format.listGenerations(row).length
    counts.rows += 1
    counts.generations_out += generations
    yield { text: JSON.stringify(row), generations }
    await breathe()
  }
}

/** The same calls, with a pause for whoever else needs the thread. */
function watch(source: SourceScope, { onCall, breathe }: ScopeHooks): SourceScope {
  return {
    scope: source.scope,
    async *calls() {
      for await (const call of source.calls()) {
        onCall()
        await breathe()
        yield call
      }
    },
  }
}

function* countTrajectories(
  counts: ConversionCounts,
  trajectories: Iterable<Trajectory>,
  left: ReadonlySet<string>,
): Generator<Trajectory> {
  for (const trajectory of trajectories) {
    if (left.has(trajectory.id)) {
      counts.duplicates += countGenerations(trajectory)
      counts.tokens_duplicates += sumTrajectory(trajectory)
      continue
    }
    if (trajectory.kind === 'alternative') counts.alternatives += 1
    counts.tokens_out += sumTrajectory(trajectory)
    yield trajectory
  }
}

/** How long the thread may be kept from signals and timers. */
const breathMs = 50

/** Reading a local store never waits for anything, so that without these pauses Ctrl-C would not be seen before the end. */
export function createBreath(signal?: AbortSignal): () => Promise<void> {
  let last = Date.now()
  return async () => {
    if (Date.now() - last < breathMs) return
    await nextTurn()
    last = Date.now()
    signal?.throwIfAborted()
  }
}
