// Chooses how an attempt is verified: by exit status and test results, by a reward in a file, or not at all. What a turn's verifier leaves for
// people lies in a directory of the trial, one for each turn; a later attempt replaces it.

import { join } from 'node:path'
import type { NetworkPolicy, TaskEnvironment, TaskTurn } from '../core/task.ts'
import { collectArtifacts, stagingOf } from './artifacts.ts'
import type { Environment } from './environments/_adapter.ts'
import { verifyByReward } from './reward-verification.ts'
import { type Verification, verifyTurn } from './verify.ts'

/** What verifying needs besides the environment; the same for every turn of a trial. */
export interface VerificationDesk {
  /** Of the trial, for lasting files. */
  readonly directory: string
  readonly openSeparate: (place: TaskEnvironment) => Promise<Environment>
  /** What the task says the network is when nobody says otherwise. */
  readonly network: NetworkPolicy | null
  readonly harborCompat: boolean
}

export const turnDirectory = (directory: string, turn: number): string => join(directory, 'turns', String(turn))

/** True where the next thing that is done to the place is that a copy of it is made. */
export function copiesPlace({ verifier }: TaskTurn, { harborCompat }: VerificationDesk): boolean {
  if (verifier.command.length === 0 || (verifier.collect ?? []).length > 0) return false
  return verifier.reward === undefined || (verifier.separate === undefined && !harborCompat)
}

export async function verifyAttempt(
  environment: Environment,
  desk: VerificationDesk,
  turn: TaskTurn,
  signal: AbortSignal,
): Promise<Verification | null> {
  const { verifier } = turn
  const directory = turnDirectory(desk.directory, turn.index)
  if (turn.artifacts !== undefined) {
    await environment.endProcesses()
    await collectArtifacts({ environment, directory, signal }, turn)
    if (signal.aborted) return null
  }
  if (verifier.command.length === 0) return unverified
  if (verifier.reward === undefined) return verifyTurn(environment, verifier, signal)
  return verifyByReward(
    {
      environment,
      openSeparate: desk.openSeparate,
      restoreNetwork: () => restoreNetwork(environment, desk),
      resultDirectory: join(directory, 'verifier'),
      stagingDirectory: stagingOf(directory),
      harborCompat: desk.harborCompat,
      signal,
    },
    verifier,
    verifier.reward.directory,
  )
}

const unverified: Verification = { passed: false, tests: [], testsPassed: 0, testsTotal: 0, output: '', ms: 0, unverified: true }

export async function restoreNetwork(environment: Environment, desk: VerificationDesk): Promise<void> {
  await environment.setNetwork(desk.network ?? { mode: 'proxy', hosts: [] })
}
