// The environment that needs nothing: a temporary directory per trial, an environment built from scratch, and the certainty
// that nothing the agent started is alive when a command has ended. It is not a sandbox: same user, same network, same disk.
// Never lets a variable of the host in.

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, readdir, realpath, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { outputCharsMax } from '../../core/limits.ts'
import { runGroup, signalGroup } from '../processes.ts'
import { endSurvivors, trialMark } from '../survivors.ts'
import { startTalk } from '../talks.ts'
import type { Environment, EnvironmentAdapter, EnvironmentSpec, ExecOptions } from './_adapter.ts'
import { copyTree, copyTreeOut, copyTreesIn, insideOf, readRegularFile, removeTree, writeTree } from './_local-files.ts'

const defaultPath = [
  dirname(process.execPath),
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
].join(':')
const rootPrefix = (trialId: string): string => `turnpike-${trialId}-`

export default {
  id: 'local',
  title: 'temporary directory on this machine, same user, no isolation',
  gives: { images: false, limits: false, networks: ['public'] },
  // What an agent changes elsewhere on this machine stays there by itself.
  keepsAllInTree: true,
  probe: async () => null,
  open: async (spec, signal) => {
    signal.throwIfAborted()
    return orBroken('cannot make the trial directory', async () => {
      // Outside the project: agents look for instructions and repositories in the parents of their workspace.
      const root = await makeRoot(spec)
      for (const name of ['workspace', 'home', 'tmp', 'scratch']) await mkdir(join(root, name))
      return createEnvironment(spec, root)
    })
  },
  sweep: async trialIds => {
    const names = await readdir(tmpdir())
    for (const trialId of trialIds) {
      await endSurvivors(trialId, null)
      for (const name of names.filter(candidate => candidate.startsWith(rootPrefix(trialId))))
        await removeTree(join(tmpdir(), name))
    }
  },
} satisfies EnvironmentAdapter

async function makeRoot(spec: EnvironmentSpec): Promise<string> {
  if (spec.workspacePath === undefined) return realpath(await mkdtemp(join(tmpdir(), rootPrefix(spec.trialId))))
  const root = dirname(spec.workspacePath)
  if (!basename(root).startsWith('turnpike-') || dirname(root) !== (await realpath(tmpdir())))
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${root} is no trial's directory of this machine`)
  // Fails where something stands: it is never taken over from whoever made it.
  await mkdir(root, { mode: 0o700 })
  return root
}

function createEnvironment(spec: EnvironmentSpec, root: string): Environment {
  const workspace = join(root, 'workspace')
  const home = join(root, 'home')
  const kept = (name: string): string => join(root, `kept-${name}`)
  const env = {
    PATH: spec.path ?? defaultPath,
    HOME: home,
    LANG: 'C.UTF-8',
    TMPDIR: join(root, 'tmp'),
    // A repository above the temporary directory is none of the agent's business.
    GIT_CEILING_DIRECTORIES: root,
    [trialMark]: spec.trialId,
  }
  return {
    workspace,
    home,
    exec: (argv, options) => execute(argv, options, { root, workspace, env, trialId: spec.trialId }),
    spawn: (argv, options) => talk(argv, options, { root, workspace, env, trialId: spec.trialId }),
    endProcesses: () => endSurvivors(spec.trialId, root),
    writeFiles: (directory, files) => orBroken(`cannot write into ${directory}`, () => writeTree(directory, files)),
    copyIn: trees => copyTreesIn(trees, { root, workspace }),
    copyOut: (path, directory, limits) => copyTreeOut(path, directory, limits),
    empty: path =>
      orBroken(`cannot empty ${path}`, async () => {
        await removeTree(insideOf(root, path))
        await mkdir(path, { recursive: true })
      }),
    setNetwork: async policy => {
      if (policy.mode === 'public') return
      throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the environment local cannot limit the network to ${policy.mode}`, {
        hint: 'use --env docker for tasks that limit the network',
      })
    },
    readFile: readRegularFile,
    makeScratch: () =>
      orBroken('cannot make a scratch directory', async () => {
        const path = join(root, 'scratch', randomBytes(16).toString('hex'))
        await mkdir(path)
        return path
      }),
    removeScratch: path => orBroken(`cannot remove ${path}`, () => removeTree(path)),
    onCopy: work => workOnCopy(workspace, join(root, 'original'), work),
    keep: name =>
      orBroken('cannot keep a copy of the workspace', async () => {
        await removeTree(kept(name))
        await copyTree(workspace, kept(name))
      }),
    rollBack: name =>
      orBroken('cannot restore the workspace', async () => {
        await removeTree(workspace)
        await copyTree(kept(name), workspace)
      }),
    exportWorkspace: async () => workspace,
    hostUrl: url => url,
    close: async () => {
      await endSurvivors(spec.trialId, root)
      await orBroken(`cannot remove ${root}`, () => removeTree(root))
    },
  }
}

interface Place {
  readonly root: string
  readonly workspace: string
  readonly env: Readonly<Record<string, string>>
  readonly trialId: string
}

async function execute(argv: readonly string[], options: ExecOptions, place: Place) {
  const cwd = options.cwd ?? place.workspace
  // A missing directory looks like a missing program to spawn; only this tells them apart.
  await orBroken(`the directory ${cwd} is gone`, () => access(cwd, constants.X_OK))
  const result = await runGroup({
    argv,
    cwd,
    env: { ...place.env, PWD: cwd, ...options.env, [trialMark]: place.trialId },
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    outputCharsMax,
    onExit: async group => {
      signalGroup(group, 'SIGTERM')
      await endSurvivors(place.trialId, place.root)
      signalGroup(group, 'SIGKILL')
    },
  })
  return result
}

async function talk(argv: readonly string[], options: Omit<ExecOptions, 'stdin'>, place: Place) {
  const cwd = options.cwd ?? place.workspace
  await orBroken(`the directory ${cwd} is gone`, () => access(cwd, constants.X_OK))
  return startTalk({
    argv,
    cwd,
    env: { ...place.env, PWD: cwd, ...options.env, [trialMark]: place.trialId },
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    outputCharsMax,
    onExit: async group => {
      signalGroup(group, 'SIGTERM')
      await endSurvivors(place.trialId, place.root)
      signalGroup(group, 'SIGKILL')
    },
  })
}

async function workOnCopy<T>(workspace: string, original: string, work: () => Promise<T>): Promise<T> {
  await orBroken('cannot copy the workspace', async () => {
    await rename(workspace, original)
    await copyTree(original, workspace)
  })
  try {
    return await work()
  } finally {
    await orBroken('cannot restore the workspace', async () => {
      await removeTree(workspace)
      await rename(original, workspace)
    })
  }
}

async function orBroken<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof TurnpikeError ? error : new TurnpikeError('E_ENVIRONMENT_FAILED', what, { cause: error })
  }
}
