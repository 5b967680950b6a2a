// Which of the recorded generations are wanted: by turn, model and time; scopes as a whole by agent and `--where`. Pure.
// A generation that is not wanted stays as context, is counted, and never leaves a trajectory that holds a wanted one with a gap.

import type { EpochMs } from '../core/types.ts'
import { type ConversionCounts, sumTokens } from './conversion-counts.ts'
import type { ScopeInfo } from './source.ts'
import type { Generation, PolicyId, Trajectory, TrajectoryStep } from './trajectory.ts'
import { evaluateWhere, type Facts, matchesPattern, type Where } from './where.ts'

/** Both ends included; null = open. */
export interface TurnRange {
  readonly from: number | null
  readonly to: number | null
}

/** Null: everything. Structured-clonable: worker threads get it. */
export interface Selection {
  readonly turns: readonly TurnRange[] | null
  readonly agents: readonly string[] | null
  /** `*` stands for any characters. */
  readonly models: readonly string[] | null
  /** Calls that began at or after `since` and before `until`. */
  readonly since: EpochMs | null
  readonly until: EpochMs | null
  readonly where: Where | null
}

export const everything: Selection = { turns: null, agents: null, models: null, since: null, until: null, where: null }

/** Null: it depends on facts that are not known (yet). */
export function selectsScope({ agents, where }: Selection, scope: ScopeInfo, facts: Facts): boolean | null {
  const name = scope.agent?.name
  if (agents !== null && (name === undefined || !agents.includes(name))) return false
  return where === null ? true : evaluateWhere(where, facts)
}

export function selectsGeneration({ turns, models, since, until }: Selection, generation: Generation): boolean {
  const { turn, model, startedAt } = generation
  if (since !== null && startedAt < since) return false
  if (until !== null && startedAt >= until) return false
  if (models !== null && (model === null || !models.some(pattern => matchesPattern(model, pattern)))) return false
  if (turns === null) return true
  return turn !== null && turns.some(({ from, to }) => turn >= (from ?? turn) && turn <= (to ?? turn))
}

/** True when a generation might be left out at all. */
export function narrowsGenerations({ turns, models, since, until }: Selection): boolean {
  return turns !== null || models !== null || since !== null || until !== null
}

/** Trajectories without a wanted generation are left out; the nodes of a tree stay, because others hang on them. */
export function* selectTrajectories(
  trajectories: Iterable<Trajectory>,
  selection: Selection,
  policy: PolicyId,
  counts: ConversionCounts | null,
): Generator<Trajectory> {
  if (!narrowsGenerations(selection)) return yield* trajectories
  for (const trajectory of trajectories) {
    let wanted = 0
    let left = 0
    const steps = trajectory.steps.map((step): TrajectoryStep => {
      if (step.generation === null) return step
      if (selectsGeneration(selection, step.generation)) {
        wanted += 1
        return step
      }
      left += 1
      if (counts !== null) counts.tokens_deselected += sumTokens(step.generation.usage)
      return { ...step, generation: null }
    })
    if (counts !== null) counts.deselected += left
    if (wanted > 0 || left === 0 || policy === 'tree') yield left === 0 ? trajectory : { ...trajectory, steps }
    else if (counts !== null) for (const call of trajectory.failed) counts.tokens_deselected += sumTokens(call.usage)
  }
}
