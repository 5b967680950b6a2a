// The place of one trial: opened with the task's and the agent's files in it, laid out as a workbench for attempts, and closed. Between
// trial.ts, which plays the turns, and the environments; decides nothing about turns.

import { join } from 'node:path'
import type { Task } from '../core/task.ts'
import type { Trial } from '../core/types.ts'
import type { AgentAdapter, AgentContext, AgentSpec } from './agents/_adapter.ts'
import type { Workbench } from './attempt.ts'
import type { Origin } from './continuation.ts'
import type { Environment, EnvironmentAdapter } from './environments/_adapter.ts'
import { listHiddenPaths } from './hidden-paths.ts'
import type { PreparedLayer } from './layers.ts'
import { createLeakWatch } from './leaks.ts'
import type { Ledger } from './ledger.ts'
import type { Policy } from './policy.ts'
import { prepareTask } from './preparation.ts'
import { openSnapshots } from './snapshots.ts'
import { createTamperWatch } from './tampering.ts'
import { deskOf } from './trial-desk.ts'

export interface TrialInput {
  readonly ledger: Ledger
  readonly trial: Trial
  readonly task: Task
  readonly spec: AgentSpec
  readonly agent: AgentAdapter
  /** The agent's own programs, prepared; null = it needs none. */
  readonly layer?: PreparedLayer | null
  readonly environment: EnvironmentAdapter
  readonly policy: Policy
  readonly proxyUrl: string
  /** Program search path for the environment; null = its default. */
  readonly path: string | null
  /** The git program for snapshots; null = no snapshots. */
  readonly git: string | null
  /** Where the trial's lasting files go. */
  readonly directory: string
  readonly signal: AbortSignal
  /** `none` forgoes the sandbox that an environment could do without. */
  readonly isolation?: 'none' | undefined
  /** Why it is not played (the budget is spent); null = it is. */
  readonly refusal: string | null
}

export interface Live {
  trial: Trial
  /** Null: it begins at its first turn. */
  readonly origin: Origin | null
}

export async function openPlace(input: TrialInput, { trial, origin }: Live, token: string): Promise<Environment> {
  const environment = await input.environment.open(
    {
      trialId: trial.id,
      runId: trial.runId,
      // The path of this machine means nothing in an image.
      path: input.environment.gives.images ? null : input.path,
      place: input.task.environment ?? null,
      layer: input.layer?.layer ?? null,
      layerDirectory: input.layer?.directory ?? null,
      proxyUrl: input.proxyUrl,
      ...(input.isolation === undefined ? {} : { isolation: input.isolation }),
      ...(input.policy.harborCompat === true ? { survivors: 'kept' as const } : {}),
      hides: listHiddenPaths(input.task, [input.ledger.store.directory, input.directory]),
      ...(origin?.kind === 'continued' ? { workspacePath: origin.kept.workspace } : {}),
    },
    input.signal,
  )
  try {
    await environment.writeFiles(environment.workspace, input.task.files)
    await writeAgentFiles(input, environment, token)
    await prepareTask(environment, input.task, input.signal)
    if (input.policy.onFailure === 'reset-to-reference') await environment.keep('start')
    return environment
  } catch (error) {
    await environment.close().catch(() => undefined)
    throw error
  }
}

export async function writeAgentFiles(input: TrialInput, environment: Environment, token: string): Promise<void> {
  const files = input.agent.files(writeContext(input, environment, token))
  for (const directory of [environment.home, environment.workspace]) {
    const inside = Object.entries(files).filter(([path]) => path.startsWith(`${directory}/`))
    await environment.writeFiles(
      directory,
      Object.fromEntries(inside.map(([path, text]) => [path.slice(directory.length + 1), text])),
    )
  }
}

function writeContext(input: TrialInput, environment: Environment, token: string): AgentContext {
  const root = `${environment.hostUrl(input.proxyUrl).replace(/\/$/, '')}/t/${token}`
  const { workspace, home } = environment
  const baseUrls = { root, anthropic: root, openai: `${root}/v1` }
  return { spec: input.spec, workspace, home, token, baseUrls, inImage: input.environment.gives.images }
}

export async function prepareBench(input: TrialInput, live: Live, environment: Environment, token: string): Promise<Workbench> {
  const snapshots = input.git === null ? null : await openSnapshots(input.git, join(input.directory, 'snapshots.git'))
  if (snapshots !== null) live.trial = await input.ledger.changeTrial(live.trial, { snapshots: snapshots.directory })
  return {
    ledger: input.ledger,
    environment,
    agent: input.agent,
    context: writeContext(input, environment, token),
    snapshots,
    agentTimeoutMs: input.policy.agentTimeoutMs,
    desk: deskOf(input, live.trial),
    signal: input.signal,
    leaks: createLeakWatch({
      directory: join(input.directory, 'canary'),
      known: [...Object.values(input.task.files), ...input.task.turns.map(turn => turn.instruction)].join('\n'),
      verifiers: input.task.turns.map(turn => turn.verifier),
    }),
    tampering: await createTamperWatch(environment),
  }
}

export async function closePlace(input: TrialInput, trial: Trial, environment: Environment): Promise<void> {
  try {
    await environment.close()
  } catch (error) {
    // What the trial has measured stands; only the cleaning failed.
    const reason = error instanceof Error ? error.message : String(error)
    await input.ledger.emit('environment-left', trial, { reason })
  }
}
