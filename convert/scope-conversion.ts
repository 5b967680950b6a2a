// One scope from its calls to the rows of a format: load, tree, lanes, policy, selection, duplicates, rows. Runs alike on the calling
// thread and in a worker; holds one scope, never two. What it gives back depends on the scope and the plan alone.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { TurnpikeError } from '../core/errors.ts'
import { type ConversionCounts, countCalls, countGenerations, countSet, sumTokens, sumTrajectory } from './conversion-counts.ts'
import { type Print, printTrajectories } from './dedup.ts'
import { findFormat, formats } from './formats/_all.ts'
import { buildLanes } from './lanes.ts'
import { loadSource } from './load.ts'
import { findPolicy } from './policies/_all.ts'
import { readFacts, readKnown, readSetFacts, type ScopeSight } from './scope-facts.ts'
import { type Selection, selectsScope, selectTrajectories } from './select.ts'
import type { ScopeInfo, SourceCall, SourceScope, Undecodable } from './source.ts'
import type { FailedCall, PolicyId, Trajectory, TrajectorySet } from './trajectory.ts'
import { writeFailedCall } from './trajectory-builder.ts'
import { buildTree } from './tree.ts'
import type { Facts } from './where.ts'

/** Structured-clonable: worker threads get it. */
export interface ConversionPlan {
  readonly format: string
  readonly policy: PolicyId
  /** False: it is the default, and what a file holds already decides. */
  readonly isPolicyChosen: boolean
  readonly selection: Selection
  readonly dedup: boolean
}

export interface ScopeHooks {
  readonly counts: ConversionCounts
  /** What is known of the scope before its calls are read. */
  readonly facts: Facts
  /** Which of the scope's trajectories are left out, as others stand for them; only asked with `dedup`. */
  readonly leaveOut: (prints: readonly Print[]) => Promise<ReadonlySet<string>>
  /** Every call that was read, or could not be. */
  readonly onCall: (call: SourceCall | Undecodable) => void
  /** What the scope holds, chosen or not. */
  readonly onSight: (sight: ScopeSight) => void
  /** Lets the thread do something else; throws when the conversion is to stop. */
  readonly breathe: () => Promise<void>
}

/** Names checked and made whole; throws what a person should read. */
export function planConversion(options: {
  readonly format: string
  readonly policy: string | null
  readonly selection: Selection
  readonly dedup: boolean
}): ConversionPlan {
  const format = findFormat(options.format)
  const policy = findPolicy(options.policy ?? 'readable')
  if (!format.policies.includes(policy.id))
    throw new TurnpikeError('E_USAGE', `format ${format.id} cannot hold what policy ${policy.id} makes`, {
      hint: `use one of: ${format.policies.join(', ')}`,
    })
  const { selection, dedup } = options
  return { format: format.id, policy: policy.id, isPolicyChosen: options.policy !== null, selection, dedup }
}

export interface Row {
  /** JSON, without the line break. */
  readonly text: string
  readonly generations: number
}

export async function* convertScope(source: SourceScope, plan: ConversionPlan, hooks: ScopeHooks): AsyncGenerator<Row> {
  const { counts, breathe } = hooks
  const policy = findPolicy(plan.policy)
  const loaded = await loadSource(watch(source, hooks))
  const tree = buildTree(loaded, source.scope.id)
  await breathe()
  const { facts, sight } = readFacts(tree, hooks.facts)
  hooks.onSight(sight)
  counts.undecodable += loaded.undecodable
  if (!isWanted(source.scope, facts, plan, counts)) return
  const lanes = buildLanes(tree)
  await breathe()
  counts.scopes += 1
  counts.lanes += lanes.lanes.length
  countCalls(counts, tree)
  for (const { call } of lanes.stray) counts.tokens_out += sumTokens(call.usage)
  const stray = lanes.stray.map(({ call }) => writeFailedCall(call))
  yield* writeRows({ scope: source.scope, policy: policy.id, build: () => policy.build(tree, lanes), stray }, plan, hooks)
}

/** Trajectories that are there already, from a file of another format. */
export async function* convertSet(set: TrajectorySet, plan: ConversionPlan, hooks: ScopeHooks): AsyncGenerator<Row> {
  const { counts } = hooks
  const trajectories = [...set.trajectories]
  checkPolicy(set.policy, plan)
  const { facts, sight } = readSetFacts(trajectories, { ...readKnown(set.scope), ...hooks.facts })
  hooks.onSight(sight)
  if (!isWanted(set.scope, facts, plan, counts)) return
  counts.scopes += 1
  countSet(counts, trajectories)
  yield* writeRows({ scope: set.scope, policy: set.policy, build: () => trajectories, stray: set.stray ?? [] }, plan, hooks)
}

function checkPolicy(policy: PolicyId, plan: ConversionPlan): void {
  const format = findFormat(plan.format)
  if (plan.isPolicyChosen && policy !== plan.policy)
    throw new TurnpikeError(
      'E_USAGE',
      `the file holds trajectories of policy ${policy}; they cannot be made into those of ${plan.policy}`,
      {
        hint: 'leave --policy out, or convert the recording that the file was made from',
      },
    )
  if (!format.policies.includes(policy))
    throw new TurnpikeError('E_USAGE', `format ${format.id} cannot hold what policy ${policy} makes`, {
      hint: `formats that can: ${formats
        .filter(one => one.policies.includes(policy))
        .map(one => one.id)
        .join(', ')}`,
    })
}

function isWanted(scope: ScopeInfo, facts: Facts, { selection }: ConversionPlan, counts: ConversionCounts): boolean {
  const wanted = selectsScope(selection, scope, facts)
  if (wanted === true) return true
  counts.scopes_deselected += 1
  if (wanted === null) counts.scopes_unknown += 1
  return false
}

interface Built {
  readonly scope: ScopeInfo
  readonly policy: PolicyId
  /** The same each time. */
  readonly build: () => Iterable<Trajectory>
  readonly stray: readonly FailedCall[]
}

async function* writeRows({ scope, policy, build, stray }: Built, plan: ConversionPlan, hooks: ScopeHooks): AsyncGenerator<Row> {
  const { counts, breathe } = hooks
  const format = findFormat(plan.format)
  const select = (counted: ConversionCounts | null): Iterable<Trajectory> =>
    selectTrajectories(build(), plan.selection, policy, counted)
  const left = plan.dedup ? await hooks.leaveOut(printTrajectories(select(null), policy)) : new Set<string>()
  const trajectories = countTrajectories(counts, select(counts), left)
  for (const row of format.write({ scope, policy, trajectories, stray })) {
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
        onCall(call)
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
