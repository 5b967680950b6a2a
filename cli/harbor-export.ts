// A run of the store as Harbor's tree of results, with what only several stages know together: trajectories of each step, and which program
// the agent was. Between the command and report/harbor-tree.ts.

import { join } from 'node:path'
import { writeTurnTrajectories } from '../convert/trial-trajectory.ts'
import { currentTrials } from '../core/cells.ts'
import type { Json, JsonObject, Run, Trial } from '../core/types.ts'
import { type HarborTree, writeHarborTree } from '../report/harbor-tree.ts'
import { agents } from '../runner/agents/_all.ts'
import type { Store } from '../store/_adapter.ts'
import type { CommandContext } from './commands/_command.ts'
import { decodeNew } from './derive.ts'
import { readScopes } from './scopes.ts'

export interface ExportPlace {
  /** `<jobs>/<job>`. */
  readonly jobsDirectory: string
  readonly jobName: string
  readonly dataset: string | null
  /** A job for each task and model below `<jobs>/<task>/harbor_jobs/<model>`, where EvoCode-Bench's scripts look for the runs of a set. */
  readonly isByTask: boolean
}

export interface ExportedTree {
  readonly run: Run
  readonly directory: string
  readonly trials: HarborTree['trials']
}

export async function exportTree(context: CommandContext, store: Store, run: Run, place: ExportPlace): Promise<ExportedTree> {
  const { scopes } = await readScopes(store, run.id)
  await decodeNew(store, context, scopes)
  const shared = {
    store,
    run,
    dataset: place.dataset,
    work: join(context.config.store, 'work'),
    versionOf: (trial: Trial) => findVersion(trial, run),
    readTrajectories: (trialId: string) => writeTurnTrajectories(store, trialId),
  }
  const { jobsDirectory, jobName } = place
  if (!place.isByTask) {
    const tree = await writeHarborTree({ ...shared, directory: join(jobsDirectory, jobName) })
    return { run, directory: tree.directory, trials: tree.trials }
  }
  const trials: Array<HarborTree['trials'][number]> = []
  for (const [folder, ids] of groupByTask(currentTrials(await store.list('trials', { runId: run.id })))) {
    const directory = join(jobsDirectory, folder, jobName)
    const tree = await writeHarborTree({ ...shared, directory, only: trial => ids.has(trial.id) })
    trials.push(...tree.trials)
  }
  return { run, directory: jobsDirectory, trials }
}

/** Ids by folder. Agents that share a model are told apart: their trials are no repetitions of each other. */
function groupByTask(trials: readonly Trial[]): Map<string, Set<string>> {
  const shortOf = ({ agent, model }: Trial): string => (model ?? agent).split('/').at(-1) || agent
  const folders = new Map<string, Set<string>>()
  for (const trial of trials) {
    const bucket = shortOf(trial)
    const shared = trials.some(other => shortOf(other) === bucket && (other.agent !== trial.agent || other.model !== trial.model))
    const folder = join(trial.taskId, 'harbor_jobs', shared ? `${trial.agent}__${bucket}` : bucket)
    folders.set(folder, (folders.get(folder) ?? new Set()).add(trial.id))
  }
  return folders
}

/** The version the run asked for, else the one the agent is pinned to; an agent without a program of its own is a part of Turnpike. */
function findVersion({ agent }: Pick<Trial, 'agent'>, run: Pick<Run, 'config' | 'turnpikeVersion'>): string {
  const asked = listAgents(run.config).find(entry => entry['name'] === agent)?.['version']
  if (typeof asked === 'string') return asked
  const layer = agents.find(adapter => adapter.id === agent)?.layer ?? null
  if (layer !== null && layer.packages.length > 0) return layer.version
  if (agent === 'command') return 'unknown'
  return run.turnpikeVersion
}

function listAgents(config: Json): JsonObject[] {
  const entries = typeof config === 'object' && config !== null && !Array.isArray(config) ? (config as JsonObject)['agents'] : []
  return Array.isArray(entries) ? (entries.filter(entry => typeof entry === 'object' && entry !== null) as JsonObject[]) : []
}
