// Writes a run as the tree of files that Harbor leaves, for scripts made for it: <jobs>/<job>/<trial>/steps/<step>/verifier/reward.txt and all
// that stands around it. An export: the store is the record, and nothing here is read back.

import { cp, lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { currentTrials, isExcluded } from '../core/cells.ts'
import { TurnpikeError } from '../core/errors.ts'
import { type Rewards, readRewards, singleReward, type TrialRewards } from '../core/turn-rewards.ts'
import type { AttemptRecord, JsonObject, Run, Trial, TurnRecord } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { writeJobResult } from './harbor-job.ts'
import { type HarborTrial, type HarborTurn, writeTrialResult } from './harbor-results.ts'

/** An ATIF document and the images it names, by path relative to its own place. */
export interface HarborTrajectory {
  readonly document: string
  readonly images: ReadonlyMap<string, Uint8Array>
}

export interface HarborTreeOptions {
  readonly store: Store
  readonly run: Run
  /** `<jobs>/<job>`; must not hold anything yet. */
  readonly directory: string
  /** Where the run keeps what verifiers left: `<work>/trials/<id>/turns/<n>/{verifier,artifacts}`. */
  readonly work: string
  readonly dataset: string | null
  /** The trials it is made of; absent = all. */
  readonly only?: (trial: Trial) => boolean
  /** Of the agent's program. */
  readonly versionOf: (trial: Trial) => string
  /** What a trial's agent said, by turn. */
  readonly readTrajectories: (trialId: string) => Promise<ReadonlyMap<number, HarborTrajectory>>
}

export interface HarborTree {
  readonly directory: string
  readonly trials: ReadonlyArray<{ readonly name: string; readonly directory: string; readonly trial: Trial }>
}

export async function writeHarborTree(options: HarborTreeOptions): Promise<HarborTree> {
  const { store, run, directory } = options
  await refuseUsed(directory)
  const { only = () => true } = options
  const trials = currentTrials(await store.list('trials', { runId: run.id })).filter(only)
  const rewards = readRewards(await store.list('events', { runId: run.id }))
  const written: HarborTrial[] = []
  for (const trial of trials) {
    const told = rewards.get(trial.id) ?? null
    const source = await readTrial(options, trial, told)
    await writeTrial(options, source, told)
    written.push(source)
  }
  const config = { ...(run.config as JsonObject), turnpike_version: run.turnpikeVersion }
  await writeJson(join(directory, 'config.json'), config)
  await writeJson(join(directory, 'result.json'), writeJobResult(run, written, options.dataset))
  return { directory, trials: written.map(({ name, trial }) => ({ name, trial, directory: join(directory, name) })) }
}

/** Asked before the run as well: what was played for hours must find a place. */
export async function refuseUsed(directory: string): Promise<void> {
  const found = await readdir(directory).catch(() => [])
  if (found.length === 0) return
  throw new TurnpikeError('E_OUTPUT_EXISTS', `${directory} holds something already`, { hint: 'name another job with --job-name' })
}

async function readTrial(
  { store, run, versionOf }: HarborTreeOptions,
  trial: Trial,
  told: TrialRewards | null,
): Promise<HarborTrial> {
  const started: JsonObject = told?.started ?? {}
  const attempts = await store.list('attempts', { trialId: trial.id })
  const turns = (await store.list('turns', { trialId: trial.id })).map((record): HarborTurn => {
    const attempt = attempts.findLast(candidate => candidate.turn === record.turn) ?? null
    const given = told?.byTurn.get(record.turn)
    return {
      name: nameStep(trial, record.turn, told),
      record,
      attempt,
      rewards: given === undefined ? judged(record, attempt) : given,
    }
  })
  return {
    name: nameTrial(trial),
    trial,
    taskPath: dirname(String(started['taskFile'] ?? trial.taskId)),
    session: started['session'] === 'fresh' ? 'fresh' : 'continuous',
    rewardOf: told?.rewardOf ?? 'mean',
    turns: turns.sort((a, b) => a.record.turn - b.record.turn),
    calls: await store.list('calls', { scopeId: trial.id }),
    agentVersion: versionOf(trial),
    config: { task: { path: dirname(String(started['taskFile'] ?? '')) }, trial_name: nameTrial(trial), job_id: run.id },
  }
}

/** Null in single-step tasks. Other formats have chains of turns without names. */
function nameStep(trial: Trial, turn: number, told: TrialRewards | null): string | null {
  return told?.turnNames?.[turn - 1] ?? (trial.plannedTurns > 1 ? `turn-${turn}` : null)
}

/** Verifiers that do not speak in rewards say passed or failed; nothing is said of a turn that nobody judged. */
function judged({ state }: TurnRecord, attempt: AttemptRecord | null): Rewards | null {
  return attempt === null || isExcluded(state) ? null : { reward: attempt.passed ? 1 : 0 }
}

/** As Harbor names them: at most 32 characters of the task, and seven that tell trials apart. */
export function nameTrial(trial: Pick<Trial, 'id' | 'taskId'>): string {
  const task = trial.taskId.slice(0, 32).replaceAll(/^[_-]+|[_-]+$/g, '')
  return `${task}__${trial.id.slice(-7).toLowerCase()}`
}

async function writeTrial(options: HarborTreeOptions, source: HarborTrial, told: TrialRewards | null): Promise<void> {
  const place = join(options.directory, source.name)
  const trajectories = new Map<string, ReadonlyMap<number, HarborTrajectory>>()
  for (const turn of source.turns) {
    // Steps that were not reached have no folder in Harbor's tree either; a trial without any is one that nobody evaluates.
    if (turn.attempt === null) continue
    const player = told?.playedBy(turn.record.turn) ?? source.trial.id
    const kept = join(options.work, 'trials', player, 'turns', String(turn.record.turn))
    const folder = turn.name === null ? place : join(place, 'steps', turn.name)
    await writeTurn(turn, kept, folder)
    const said = trajectories.get(player) ?? (await options.readTrajectories(player))
    trajectories.set(player, said)
    await writeTrajectory(said.get(turn.record.turn), join(folder, 'agent'))
  }
  await writeJson(join(place, 'config.json'), source.config)
  // Scripts take a trial for there when its result is.
  await writeJson(join(place, 'result.json'), writeTrialResult(source))
}

async function writeTrajectory(trajectory: HarborTrajectory | undefined, place: string): Promise<void> {
  if (trajectory === undefined) return
  for (const [path, bytes] of trajectory.images) {
    await mkdir(dirname(join(place, path)), { recursive: true })
    await writeFile(join(place, path), bytes)
  }
  await writeFile(join(place, 'trajectory.json'), trajectory.document)
}

async function writeTurn(turn: HarborTurn, kept: string, place: string): Promise<void> {
  for (const part of ['verifier', 'artifacts']) await copyKept(join(kept, part), join(place, part))
  const verifier = join(place, 'verifier')
  await mkdir(verifier, { recursive: true })
  await mkdir(join(place, 'agent'), { recursive: true })
  const single = singleReward(turn.rewards)
  // What does not count must not lie where scripts look for what does.
  if (single === null) for (const name of ['reward.txt', 'reward.json']) await setAside(join(verifier, name))
  else await writePlain(join(verifier, 'reward.txt'), `${single}\n`)
  if (turn.attempt === null) return
  const printed = join(verifier, 'test-stdout.txt')
  const left = await lstat(printed).catch(() => null)
  if (left?.isFile() !== true) await writePlain(printed, turn.attempt.verifierOutput)
  await writeFile(join(place, 'agent', 'output.txt'), turn.attempt.agentOutput)
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

/** What a verifier left may be a link, and the agent's work runs among its tests: nothing is written through one. */
async function writePlain(file: string, text: string): Promise<void> {
  await rm(file, { recursive: true, force: true })
  await writeFile(file, text, { flag: 'wx' })
}

async function writeJson(file: string, value: JsonObject): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`)
  await rename(`${file}.new`, file)
}
