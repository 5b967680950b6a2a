// How commands of a local trial are started and ended: in the sandbox or, where there is none, by group and by mark. What a command may see depends
// on whether the agent works or a verifier: a verifier's reach is its copy of the workspace and its scratch, and nothing of it stays.

import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { outputCharsMax } from '../../core/limits.ts'
import { runApart } from '../launcher.ts'
import { type ExecResult, type GroupOptions, runGroup, signalGroup, waitFor } from '../processes.ts'
import { endSurvivors, trialMark } from '../survivors.ts'
import { startTalk } from '../talks.ts'
import type { Environment, ExecOptions } from './_adapter.ts'
import type { ProcessLimit } from './_local-cgroup.ts'
import { orBroken } from './_local-files.ts'
import {
  endSandbox,
  hasProgram,
  readSandboxEnd,
  readSetupFailure,
  type SandboxView,
  terminateInside,
  wrapCommand,
} from './_local-sandbox.ts'
import { ensureWorkspace } from './_local-trees.ts'

export interface LocalPlace {
  readonly root: string
  readonly workspace: string
  readonly home: string
  readonly env: Readonly<Record<string, string>> & { readonly PATH: string }
  readonly trialId: string
  readonly isolation: 'sandbox' | 'none'
  readonly hides: readonly string[]
  /** The agent's own programs; null = it has none. */
  readonly layer: string | null
  /** Bounds how many processes commands in the sandbox may have. */
  readonly processes: ProcessLimit
  /** Processes that stand still: no command ends them. */
  readonly frozen: ReadonlySet<number>
  readonly state: { readonly isOnCopy: boolean; readonly scratches: ReadonlySet<string> }
}

export function createCommands(place: LocalPlace): Pick<Environment, 'exec' | 'spawn'> {
  return {
    exec: async (argv, options) => {
      const start = await prepare(argv, options, place)
      const input = options.stdin === undefined ? {} : { stdin: options.stdin }
      const order = { ...start.options, ...input }
      return start.isInside ? runInside(order) : runGroup(order)
    },
    spawn: async (argv, options) => {
      const start = await prepare(argv, options, place)
      const talk = await startTalk(start.options)
      return start.isInside ? { ...talk, ended: talk.ended.then(readSandboxEnd) } : talk
    },
  }
}

/** The other programs of this machine mount and unmount while a sandbox is set up: one that did not come to be is set up again. */
const setupsMax = 4

async function runInside(options: GroupOptions): Promise<ExecResult> {
  for (let setup = 1; ; setup++) {
    const result = await runApart(options)
    const failure = readSetupFailure(result)
    if (failure === null) return readSandboxEnd(result)
    // Nothing of the command has run: this says nothing about the agent.
    if (setup === setupsMax)
      throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the sandbox cannot be set up: ${failure.slice(0, 500)}`)
    await waitFor(50 * setup)
  }
}

async function prepare(argv: readonly string[], options: Omit<ExecOptions, 'stdin'>, place: LocalPlace) {
  const cwd = options.cwd ?? place.workspace
  if (cwd === place.workspace) await orBroken(`the directory ${cwd} is gone`, () => ensureWorkspace(place.root, cwd))
  // A missing directory looks like a missing program to spawn; only this tells them apart.
  await orBroken(`the directory ${cwd} is gone`, () => access(cwd, constants.X_OK))
  const env = { ...place.env, PWD: cwd, ...options.env, [trialMark]: place.trialId }
  const { timeoutMs, signal } = options
  const shared = { argv, cwd, env, timeoutMs, signal, outputCharsMax }
  // What cannot be found is not started at all: the system's own word for it is the clearest.
  const isInside = place.isolation === 'sandbox' && hasProgram(argv, cwd, env.PATH)
  const finish = (): Promise<unknown> => endSurvivors(place.trialId, place.root, place.frozen)
  if (!isInside) {
    const onExit = async (group: number): Promise<void> => {
      signalGroup(group, 'SIGTERM')
      await finish()
      signalGroup(group, 'SIGKILL')
    }
    return { isInside, options: { ...shared, onExit } }
  }
  const wrapped = place.processes.wrap(wrapCommand(argv, viewOf(place, cwd, env.PATH)))
  // Nothing leaves a view of processes of its own: with its first process all are gone, and no search for others is needed.
  const onExit = (group: number, told: Promise<string>): Promise<void> => endSandbox(group, told)
  return { isInside, options: { ...shared, argv: wrapped, cwd: '/', terminate: terminateInside, onExit, tells: true } }
}

function viewOf({ root, workspace, home, layer, hides, state }: LocalPlace, cwd: string, path: string): SandboxView {
  const scratches = [...state.scratches]
  const shared = { root, hides, cwd, path }
  const programs = layer === null ? [] : [layer]
  // The agent's home may hold programs that the work needs; written to, it would carry the tests to the next turn.
  if (state.isOnCopy) return { ...shared, writable: [workspace, ...scratches], readable: [home, ...programs], temporary: null }
  const temporary = join(root, 'tmp')
  return { ...shared, writable: [workspace, home, temporary, ...scratches], readable: programs, temporary }
}
