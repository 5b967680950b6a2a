// Writes a run as the tree of files that Harbor leaves, for scripts made for it: <jobs>/<job>/<trial>/steps/<step>/verifier/reward.txt and all
// that stands around it. An export: the store is the record, and nothing here is read back.

import { cp, lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { currentTrials } from '../core/cells.ts'
import { TurnpikeError } from '../core/errors.ts'
import type { JsonObject, Run, RunEvent, Trial } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { writeJobResult } from './harbor-job.ts'
import { type HarborTrial, type HarborTurn, type Rewards, writeTrialResult } from './harbor-results.ts'

export interface HarborTreeOptions {
  readonly store: Store
  readonly run: Run
  /** `<jobs>/<job>`; must not hold anything yet. */
  readonly directory: string
  /** Where the run keeps what verifiers left: `<work>/trials/<id>/turns/<n>/{verifier,artifacts}`. */
  readonly work: string
  readonly dataset: string | null
  readonly version: string
  /** The trajectory of one turn (null: of the whole trial) as an ATIF document; null when there is none. */
  readonly writeTrajectory: ((trial: Trial, turn: number | null) => Promise<string | null>) | null
}

export interface HarborTree {
  readonly directory: string
  readonly trials: ReadonlyArray<{ readonly name: string; readonly directory: string; readonly trial: Trial }>
}

export async function writeHarborTree(options: HarborTreeOptions): Promise<HarborTree> {
  const { store, run, directory } = options
  await refuseUsed(directory)
  const trials = currentTrials(await store.list('trials', { runId: run.id }))
  const started = new Map<string, JsonObject>()
  const rewards = new Map<string, Rewards | null>()
  for (const event of await store.list('events', { runId: run.id })) noteEvent(event, started, rewards)
  const written: HarborTrial[] = []
  for (const trial of trials) {
    const source = await readTrial(options, trial, started.get(trial.id) ?? {}, rewards)
    await writeTrial(options, source)
    written.push(source)
  }
  const config = { ...(run.config as JsonObject), turnpike_version: run.turnpikeVersion }
  await writeJson(join(directory, 'config.json'), config)
  await writeJson(join(directory, 'result.json'), writeJobResult(run, written, options.dataset))
  return { directory, trials: written.map(({ name, trial }) => ({ name, trial, directory: join(directory, name) })) }
}

async function refuseUsed(directory: string): Promise<void> {
  const found = await readdir(directory).catch(() => [])
  if (found.length === 0) return
  throw new TurnpikeError('E_OUTPUT_EXISTS', `${directory} holds something already`, { hint: 'name another job with --job-name' })
}

function noteEvent(event: RunEvent, started: Map<string, JsonObject>, rewards: Map<string, Rewards | null>): void {
  if (event.trialId === null) return
  const data = event.data as JsonObject
  if (event.type === 'trial-started') started.set(event.trialId, data)
  // Of several attempts the last one stands.
  if (event.type === 'attempt-verified' && data['rewards'] !== undefined)
    rewards.set(`${event.trialId} ${Number(data['turn'])}`, data['rewards'] as Rewards | null)
}

async function readTrial(
  { store, run, version }: HarborTreeOptions,
  trial: Trial,
  started: JsonObject,
  rewards: ReadonlyMap<string, Rewards | null>,
): Promise<HarborTrial> {
  const names = Array.isArray(started['turnNames']) ? started['turnNames'].map(String) : null
  const attempts = await store.list('attempts', { trialId: trial.id })
  const turns = (await store.list('turns', { trialId: trial.id })).map(
    (record): HarborTurn => ({
      name: names?.[record.turn - 1] ?? null,
      record,
      attempt: attempts.findLast(attempt => attempt.turn === record.turn) ?? null,
      rewards: rewards.get(`${trial.id} ${record.turn}`) ?? null,
    }),
  )
  return {
    name: nameTrial(trial),
    trial,
    taskPath: dirname(String(started['taskFile'] ?? trial.taskId)),
    session: started['session'] === 'fresh' ? 'fresh' : 'continuous',
    rewardOf: started['rewardOf'] === 'final' ? 'final' : 'mean',
    turns: turns.sort((a, b) => a.record.turn - b.record.turn),
    calls: await store.list('calls', { scopeId: trial.id }),
    agentVersion: version,
    config: { task: { path: dirname(String(started['taskFile'] ?? '')) }, trial_name: nameTrial(trial), job_id: run.id },
  }
}

/** As Harbor names them: at most 32 characters of the task, and seven that tell trials apart. */
export function nameTrial(trial: Pick<Trial, 'id' | 'taskId'>): string {
  const task = trial.taskId.slice(0, 32).replaceAll(/^[_-]+|[_-]+$/g, '')
  return `${task}__${trial.id.slice(-7).toLowerCase()}`
}

async function writeTrial(options: HarborTreeOptions, source: HarborTrial): Promise<void> {
  const place = join(options.directory, source.name)
  for (const turn of source.turns) {
    // Steps that were not reached have no folder in Harbor's tree either.
    if (turn.attempt !== null)
      await writeTurn(options, source, turn, turn.name === null ? place : join(place, 'steps', turn.name))
  }
  if (source.turns.some(turn => turn.name !== null)) await mkdir(join(place, 'steps'), { recursive: true })
  await writeJson(join(place, 'config.json'), source.config)
  // Scripts take a trial for there when its result is.
  await writeJson(join(place, 'result.json'), writeTrialResult(source))
}

async function writeTurn(options: HarborTreeOptions, { trial }: HarborTrial, turn: HarborTurn, place: string): Promise<void> {
  const kept = join(options.work, 'trials', trial.id, 'turns', String(turn.record.turn))
  for (const part of ['verifier', 'artifacts']) await copyKept(join(kept, part), join(place, part))
  const verifier = join(place, 'verifier')
  await mkdir(verifier, { recursive: true })
  await mkdir(join(place, 'agent'), { recursive: true })
  if (turn.rewards === null) {
    // What does not count must not lie where scripts look for what does.
    for (const name of ['reward.txt', 'reward.json']) await setAside(join(verifier, name))
  } else {
    const values = Object.values(turn.rewards)
    const single = turn.rewards['reward'] ?? values.reduce((sum, value) => sum + value, 0) / values.length
    await writeFile(join(verifier, 'reward.txt'), `${single}\n`)
  }
  if (turn.attempt !== null) {
    await writeFile(join(verifier, 'test-stdout.txt'), turn.attempt.verifierOutput, { flag: 'wx' }).catch(keepExisting)
    await writeFile(join(place, 'agent', 'output.txt'), turn.attempt.agentOutput)
  }
  const trajectory = (await options.writeTrajectory?.(trial, turn.name === null ? null : turn.record.turn)) ?? null
  if (trajectory !== null) await writeFile(join(place, 'agent', 'trajectory.json'), trajectory)
}

async function copyKept(from: string, to: string): Promise<void> {
  // A verifier's folder lies there under the name it had inside; artifacts lie as they shall.
  const [inner] = from.endsWith('verifier') ? await readdir(from).catch(() => []) : ['.']
  const source = join(from, inner ?? '.')
  const found = await lstat(source).catch(() => null)
  if (found?.isDirectory()) await cp(source, to, { recursive: true, verbatimSymlinks: true })
}

async function setAside(file: string): Promise<void> {
  await rename(file, `${file}.not-counted`).catch(() => rm(file, { force: true }))
}

function keepExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

async function writeJson(file: string, value: JsonObject): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`)
  await rename(`${file}.new`, file)
}
