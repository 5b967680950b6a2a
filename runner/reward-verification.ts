// Verifies a turn whose tests leave a reward in a file: a fresh directory for it, tests that come in after the agent's processes are
// dead, on a copy that is thrown away. In a separate environment the tests see artifacts and nothing else.

import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { isTurnpikeError, TurnpikeError } from '../core/errors.ts'
import { outputCharsMax } from '../core/limits.ts'
import type { FileTree, TaskEnvironment, Verifier } from '../core/task.ts'
import type { Environment } from './environments/_adapter.ts'
import type { ExecResult } from './processes.ts'
import { judgeRewards } from './rewards.ts'
import { judgeWorkspace, type Verification } from './verify.ts'

/** What a test script may print and leave beside its reward. */
const resultBytesMax = 64 * 1024 * 1024
/** A few numbers; what is cut is no valid reward. */
const rewardBytesMax = 1024 * 1024

export interface RewardPlace {
  readonly environment: Environment
  readonly openSeparate: (place: TaskEnvironment) => Promise<Environment>
  /** Puts the network back to what the task says. */
  readonly restoreNetwork: () => Promise<void>
  /** Directory of this machine for what the verifier leaves; emptied first. */
  readonly resultDirectory: string
  /** Directory of this machine that holds the artifacts by their paths in the environment. */
  readonly stagingDirectory: string
  readonly harborCompat: boolean
  readonly signal: AbortSignal
}

/** Null when it was interrupted. Throws E_ENVIRONMENT_FAILED when the verifier could not do its work. */
export async function verifyByReward(place: RewardPlace, verifier: Verifier, directory: string): Promise<Verification | null> {
  await rm(place.resultDirectory, { recursive: true, force: true })
  await mkdir(place.resultDirectory, { recursive: true })
  try {
    return await verifyInPlace(place, verifier, directory)
  } catch (error) {
    return { ...judgeWorkspace(error), rewards: null }
  }
}

async function verifyInPlace(place: RewardPlace, verifier: Verifier, directory: string): Promise<Verification | null> {
  const { environment } = place
  await environment.endProcesses()
  if (verifier.separate !== undefined) return verifySeparately(place, verifier, verifier.separate, directory)
  const work = (): Promise<Verification | null> => grade(place, environment, verifier, directory)
  try {
    if (verifier.network !== undefined) await environment.setNetwork(verifier.network)
    if (!place.harborCompat) return await environment.onCopy(work)
    // Harbor's verifiers work where the agent does: what they install or change stays, but not their tests and results.
    const verification = await work()
    await environment.empty(listPlaces(environment, verifier, directory))
    return verification
  } finally {
    if (verifier.network !== undefined) await place.restoreNetwork()
  }
}

async function verifySeparately(place: RewardPlace, verifier: Verifier, wanted: TaskEnvironment, directory: string) {
  const other = await place.openSeparate({ ...wanted, network: verifier.network ?? wanted.network })
  try {
    await other.copyIn(await listStaged(place.stagingDirectory))
    return await grade(place, other, verifier, directory)
  } finally {
    await other.close()
  }
}

/** Directories of the root one by one, because those that are there keep their owners and modes; files of the root as a directory of their own. */
async function listStaged(staging: string): Promise<FileTree[]> {
  const entries = await readdir(staging, { withFileTypes: true }).catch(() => [])
  const loose = `${staging}-of-root`
  await rm(loose, { recursive: true, force: true })
  const trees: FileTree[] = []
  for (const entry of entries) {
    const path = join(staging, entry.name)
    if (entry.isDirectory()) trees.push({ directory: path, to: `/${entry.name}`, keepsLinks: true })
    else if (entry.isFile()) await cp(path, join(loose, entry.name))
  }
  return existsSync(loose) ? [...trees, { directory: loose, to: '/', keepsLinks: true }] : trees
}

const inside = (environment: Environment, path: string): string => (isAbsolute(path) ? path : join(environment.workspace, path))

/** What must be empty before the tests come, so that nothing the agent has prepared can pose as a test or a result. */
function listPlaces(environment: Environment, verifier: Verifier, directory: string): string[] {
  const targets = [directory, ...(verifier.trees ?? []).map(tree => tree.to)].map(path => inside(environment, path))
  return [...new Set(targets)].filter(path => path !== environment.workspace)
}

async function grade(
  place: RewardPlace,
  environment: Environment,
  verifier: Verifier,
  directory: string,
): Promise<Verification | null> {
  await environment.empty(listPlaces(environment, verifier, directory), verifier.user)
  await environment.copyIn(verifier.trees ?? [], verifier.user)
  await environment.writeFiles(environment.workspace, verifier.files)
  const startedAtMs = await environment.tellTime()
  const results = inside(environment, directory)
  const result = await environment.exec(verifier.command, {
    ...(verifier.env === undefined ? {} : { env: verifier.env }),
    ...(verifier.user === undefined ? {} : { user: verifier.user }),
    timeoutMs: verifier.timeoutMs,
    signal: place.signal,
  })
  if (result.ended === 'interrupted') return null
  if (result.ended === 'failed-to-start')
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the verifier cannot be run: ${result.startFailure}`)
  const flags = await keepResults(place, environment, results)
  const read = (name: string, bytesMax: number) => environment.readFile(join(results, name), bytesMax)
  const printed = (await read('test-stdout.txt', resultBytesMax))?.text ?? result.stdout
  const verdict = judgeRewards({
    json: await read('reward.json', rewardBytesMax),
    text: await read('reward.txt', rewardBytesMax),
    printed,
    startedAtMs,
    timedOut: result.ended === 'timed-out',
    timeoutMs: verifier.timeoutMs,
    harborCompat: place.harborCompat,
  })
  return { ...verdict, flags: [...verdict.flags, ...flags], output: joinOutput(printed, result), ms: result.ms }
}

/** Code of the agent runs among the tests: that it leaves too much must not take the verdict away. */
async function keepResults(place: RewardPlace, environment: Environment, results: string): Promise<string[]> {
  try {
    await environment.copyOut(results, place.resultDirectory, { bytesMax: resultBytesMax, exclude: [] })
    return []
  } catch (error) {
    if (!isTurnpikeError(error) || error.details['blame'] !== 'size') throw error
    return [`what the tests left is not kept: ${error.message}`]
  }
}

/** The end of what was printed has the summary; the beginning says how it started. */
function joinOutput(printed: string, result: ExecResult): string {
  const whole = printed + (result.stderr === '' ? '' : `\n--- standard error ---\n${result.stderr}`)
  if (whole.length <= outputCharsMax) return whole
  const half = outputCharsMax / 2
  return `${whole.slice(0, half)}\n[… ${whole.length - outputCharsMax} characters left out …]\n${whole.slice(-half)}`
}
