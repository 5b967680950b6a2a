// A run from its plan to its last row: writes run and trials before the first agent starts, schedules the trials, and leaves a
// store from which everything can be told again, also after an interruption. Meets the proxy only as a URL.

import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { TurnpikeError } from '../core/errors.ts'
import { agentTimeoutMs } from '../core/limits.ts'
import type { Task } from '../core/task.ts'
import type { Json, Run, RunEvent, Trial } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { tryLock } from '../store/lock.ts'
import { createUlid } from '../store/ulid.ts'
import type { AgentSpec } from './agents/_adapter.ts'
import { pinLayer } from './agents/_programs.ts'
import { type Origin, writeOrigin } from './continuation.ts'
import type { EnvironmentAdapter } from './environments/_adapter.ts'
import { findEnvironment } from './environments/_all.ts'
import type { FeedbackLevel } from './feedback.ts'
import { type Cell, planGrid } from './grid.ts'
import { type Job, planTrial } from './job.ts'
import { type LayerOptions, type PreparedLayer, prepareLayer } from './layers.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { describeOutlook } from './outlook.ts'
import { checkPlaces, checkPrograms, checkReady } from './place-check.ts'
import type { FailurePolicy, Policy } from './policy.ts'
import { createProviderPauses } from './provider-pauses.ts'
import { reopenRun, sweepLate } from './resume.ts'
import { schedule } from './schedule.ts'
import { findGit } from './snapshots.ts'
import { runTrial } from './trial.ts'
import { playWithRetries } from './trial-retries.ts'
import type { TurnName, TurnRange } from './turn-range.ts'

export interface RunOptions {
  readonly store: Store
  readonly tasks: readonly Task[]
  readonly agents: readonly AgentSpec[]
  /** Repetitions of each task and agent. */
  readonly trials: number
  /** Tries at a turn. */
  readonly attempts: number
  readonly feedback: FeedbackLevel
  readonly onFailure: FailurePolicy
  /** Environment id, such as `local`. */
  readonly environment: string
  /** Trials at once. */
  readonly concurrency: number
  /** Base URL of the proxy, without a token. */
  readonly proxyUrl: string
  readonly freshSession: boolean
  readonly fromTurn?: TurnName
  readonly toTurn?: TurnName
  readonly agentTimeoutMs?: number
  /** See Policy. */
  readonly harborCompat?: boolean
  readonly runName?: string
  /** The resolved configuration, secrets left out; kept with the run. */
  readonly config: Json
  readonly simulated: boolean
  readonly turnpikeVersion: string
  /** Where lasting files of the run go (snapshots). */
  readonly directory: string
  /** Program search path for agents and verifiers, usually the caller's own PATH; the environment's default without it. */
  readonly path?: string
  /** Where programs of agents are kept and how npm is run; absent = agents' programs are expected in the environments. */
  readonly layers?: Omit<LayerOptions, 'signal'>
  readonly signal: AbortSignal
  readonly onEvent: (event: RunEvent) => void
  /** Continues this run: trials that have ended are kept, the others start again. */
  readonly resumeRunId?: string
  /** `none` forgoes the sandbox that an environment could do without; absent = the strongest that works here. */
  readonly isolation?: 'none'
  /** Every trial begins in this state of another one, at the turn after it. */
  readonly fork?: Origin
  /** Asked before each trial: why it should not be started (the run's budget is spent), or null. */
  readonly refuseTrial?: (runId: string) => Promise<string | null>
}

export interface RunResult {
  readonly run: Run
  /** The trials that count, in the order of the plan. */
  readonly trials: readonly Trial[]
  readonly warnings: readonly string[]
}

/** Throws only when the run could not be planned or recorded; whatever agents, tests and environments do is in the result. */
export async function executeRun(options: RunOptions): Promise<RunResult> {
  const id = options.resumeRunId ?? createUlid()
  const lock = tryLock(options.store.directory, `run-${id}`)
  // Resuming sweeps away what the run has left: of a run at work that would be its agents, in the middle of what is measured.
  if (lock === null)
    throw new TurnpikeError('E_USAGE', `the run ${id} is at work in another process`, {
      hint: 'wait for its end, or stop it with Ctrl-C where it runs, and resume it then',
    })
  try {
    return await playRun(options, id)
  } finally {
    lock.release()
  }
}

async function playRun(options: RunOptions, id: string): Promise<RunResult> {
  const policy = readPolicy(options)
  const cells = planGrid({
    tasks: options.tasks,
    agents: options.agents,
    trials: options.trials,
    policy,
    range: readRange(options),
    forked: options.fork !== undefined,
  })
  const environment = findEnvironment(options.environment)
  checkPlaces(options.tasks, environment)
  checkPrograms({ cells, environment, path: options.path ?? null })
  await checkReady(environment)
  // Before anything is planned in the store: what cannot be installed must not leave a run of failures.
  const layers = await prepareLayers(cells, environment, options)
  const plannedTurns = cells.reduce((sum, cell) => sum + cell.task.turns.length, 0)
  const opened =
    options.resumeRunId === undefined
      ? await openRun(options, { id, cells, plannedTurns })
      : await reopenRun({
          store: options.store,
          runId: options.resumeRunId,
          cells,
          plannedTurns,
          environment,
          origin: options.fork ?? null,
        })
  const ledger = openLedger(options.store, opened.run.id, options.onEvent)
  const directory = resolve(options.directory)
  await mkdir(directory, { recursive: true })
  const { git, warnings } = await prepareSnapshots(ledger, options.path)
  const { jobs, kept } = opened
  const outlook = await describeOutlook({ store: options.store, cells, policy, kept })
  await ledger.emit('run-started', null, {
    name: opened.run.name,
    trials: jobs.length,
    kept: kept.length,
    plannedTurns,
    ...outlook,
  })
  const pauses = createProviderPauses()
  const ended = new Map<string, Trial>(kept.map(trial => [trial.name, trial]))
  // An image has programs and a search path of its own.
  const path = environment.gives.images ? null : (options.path ?? null)
  const shared = { ledger, environment, proxyUrl: options.proxyUrl, path, git, isolation: options.isolation }
  try {
    await schedule({
      jobs,
      concurrency: options.concurrency,
      signal: options.signal,
      run: async (job, signal) => {
        const play = async ({ cell, trial }: Job): Promise<Trial> => {
          const place = join(directory, 'trials', trial.id)
          const { task, spec, agent, policy } = cell
          const refusal = (await options.refuseTrial?.(opened.run.id)) ?? null
          const layer = layers.get(spec) ?? null
          return runTrial({ ...shared, policy, trial, task, spec, agent, layer, signal, directory: place, refusal })
        }
        ended.set(job.cell.name, await playWithRetries(job, { ledger, environment, pauses, signal, play }))
      },
    })
  } catch (error) {
    await closeRun(ledger, opened.run, 'interrupted').catch(() => undefined)
    throw error
  }
  await sweepLate(ledger, environment, options.resumeRunId !== undefined)
  const trials = cells.map(cell => ended.get(cell.name) ?? findJob(jobs, cell.name))
  const whole = trials.every(trial => trial.state === 'ended' && trial.outcome?.kind !== 'interrupted')
  return { run: await closeRun(ledger, opened.run, whole ? 'finished' : 'interrupted'), trials, warnings }
}

async function prepareLayers(
  cells: readonly Cell[],
  { gives }: EnvironmentAdapter,
  options: RunOptions,
): Promise<Map<AgentSpec, PreparedLayer>> {
  const prepared = new Map<AgentSpec, PreparedLayer>()
  for (const { spec, agent } of cells) {
    if (agent.layer === null || options.layers === undefined || prepared.has(spec)) continue
    // Our own programs are on this machine.
    if (agent.layer.entry !== undefined && !gives.images) continue
    const layer = pinLayer(agent.layer, spec.version)
    prepared.set(spec, { layer, directory: await prepareLayer(layer, { ...options.layers, signal: options.signal }) })
  }
  return prepared
}

function readPolicy(options: RunOptions): Policy {
  return {
    attempts: options.attempts,
    feedback: options.feedback,
    onFailure: options.onFailure,
    freshSession: options.freshSession,
    fromTurn: options.fork === undefined ? 1 : options.fork.kept.turn + 1,
    toTurn: null,
    agentTimeoutMs: options.agentTimeoutMs ?? agentTimeoutMs,
    ...(options.harborCompat === true ? { harborCompat: true } : {}),
  }
}

/** Where a forked trial begins is not a matter of choice. */
const readRange = ({ fork, fromTurn, toTurn }: RunOptions): TurnRange => ({
  ...(fork !== undefined || fromTurn === undefined ? {} : { fromTurn }),
  ...(toTurn === undefined ? {} : { toTurn }),
})

interface Planned {
  readonly id: string
  readonly cells: readonly Cell[]
  readonly plannedTurns: number
}

async function openRun(options: RunOptions, { id, cells, plannedTurns }: Planned) {
  const run: Run = {
    id,
    name: options.runName ?? `run-${id.slice(0, 10).toLowerCase()}`,
    state: 'running',
    config: options.config,
    turnpikeVersion: options.turnpikeVersion,
    simulated: options.simulated,
    plannedTurns,
    startedAt: Date.now(),
    endedAt: null,
  }
  const jobs: Job[] = cells.map(cell => ({ cell, trial: planTrial(id, cell) }))
  await options.store.put('runs', [run])
  if (options.fork) for (const { trial } of jobs) await writeOrigin(options.store, trial, options.fork)
  await options.store.put(
    'trials',
    jobs.map(job => job.trial),
  )
  return { run, jobs, kept: [] as Trial[] }
}

async function prepareSnapshots(ledger: Ledger, path: string | undefined): Promise<{ git: string | null; warnings: string[] }> {
  const git = await findGit(path ?? '/usr/local/bin:/usr/bin:/bin')
  if (git !== null) return { git, warnings: [] }
  const message = 'git was not found: workspaces are not recorded (install git to have a snapshot of every attempt)'
  await ledger.emit('run-warned', null, { message })
  return { git, warnings: [message] }
}

function findJob(jobs: readonly Job[], name: string): Trial {
  const job = jobs.find(candidate => candidate.trial.name === name)
  if (job) return job.trial
  throw new TurnpikeError('E_BUG', `no trial was planned for ${name}`)
}

async function closeRun(ledger: Ledger, run: Run, state: 'finished' | 'interrupted'): Promise<Run> {
  const closed = await ledger.changeRun(run, { state, endedAt: Date.now() })
  await ledger.emit('run-ended', null, { state })
  return closed
}
