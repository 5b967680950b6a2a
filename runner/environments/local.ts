// The environment that needs nothing: a temporary directory per trial, variables built from scratch, and a search for everything the agent
// started when a command has ended. Commands run in a sandbox where this machine has one; without it they share user, network and disk with us.
// Never lets a variable of the host in.

import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, realpath, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { endSurvivors, freezeProcesses, thawProcesses, trialMark } from '../survivors.ts'
import type { Environment, EnvironmentAdapter, EnvironmentSpec } from './_adapter.ts'
import { createCommands } from './_local-commands.ts'
import { createKeptCopy } from './_local-copy.ts'
import { copyTree, copyTreeOut, copyTreesIn, insideOf, orBroken, readRegularFile, removeTree, writeTree } from './_local-files.ts'
import { probeSandbox } from './_local-sandbox.ts'

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
  title: 'temporary directory on this machine, in a sandbox (bubblewrap) where there is one',
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
      const isolation = spec.isolation === 'none' || (await probeSandbox()) !== null ? 'none' : 'sandbox'
      return createEnvironment(spec, root, isolation)
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

type WorkspaceStates = Pick<Environment, 'onCopy' | 'keep' | 'rollBack' | 'exportWorkspace'>

function createEnvironment(spec: EnvironmentSpec, root: string, isolation: 'sandbox' | 'none'): Environment {
  const workspace = join(root, 'workspace')
  const home = join(root, 'home')
  const frozen = new Set<number>()
  const env = {
    PATH: [...(spec.layerDirectory ? [join(spec.layerDirectory, 'bin')] : []), keepAbsolute(spec.path ?? defaultPath)].join(':'),
    HOME: home,
    LANG: 'C.UTF-8',
    TMPDIR: join(root, 'tmp'),
    // A repository above the temporary directory is none of the agent's business.
    GIT_CEILING_DIRECTORIES: root,
    [trialMark]: spec.trialId,
  }
  const state = { isOnCopy: false, scratches: new Set<string>() }
  return {
    workspace,
    home,
    homeDirectory: home,
    isolation,
    ...createCommands({
      root,
      workspace,
      home,
      layer: spec.layerDirectory ?? null,
      env,
      trialId: spec.trialId,
      isolation,
      hides: spec.hides ?? [],
      state,
      frozen,
    }),
    endProcesses: () => endSurvivors(spec.trialId, root, frozen),
    freeze: () => freezeProcesses(spec.trialId, root, frozen),
    thaw: async () => thawProcesses(frozen),
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
        state.scratches.add(path)
        return path
      }),
    removeScratch: path => {
      state.scratches.delete(path)
      return orBroken(`cannot remove ${path}`, () => removeTree(path))
    },
    ...createStates({ root, workspace, isolation, state }),
    hostUrl: url => url,
    close: async () => {
      await endSurvivors(spec.trialId, root)
      await orBroken(`cannot remove ${root}`, () => removeTree(root))
    },
  }
}

interface Standing {
  readonly root: string
  readonly workspace: string
  readonly isolation: 'sandbox' | 'none'
  readonly state: { isOnCopy: boolean }
}

function createStates({ root, workspace, isolation, state }: Standing): WorkspaceStates {
  const kept = (name: string): string => join(root, `kept-${name}`)
  const original = join(root, 'original')
  // What stays between verifications must be out of the agent's reach.
  const onCopy =
    isolation === 'sandbox'
      ? createKeptCopy({ workspace, original, copy: join(root, 'copy') })
      : <T>(work: () => Promise<T>) => workOnCopy(workspace, original, work)
  return {
    onCopy: async work => {
      state.isOnCopy = true
      try {
        return await onCopy(work)
      } finally {
        state.isOnCopy = false
      }
    },
    keep: name =>
      orBroken('cannot keep a copy of the workspace', async () => {
        await removeTree(kept(name))
        await copyTree(workspace, kept(name))
      }),
    rollBack: name =>
      orBroken('cannot restore the workspace', async () => {
        // The directory itself stays: it is where a living conversation of the agent stands.
        for (const entry of await readdir(workspace)) await removeTree(join(workspace, entry))
        await copyTree(kept(name), workspace)
      }),
    exportWorkspace: async () => workspace,
  }
}

/** Entries that are relative lead into the workspace: the agent would choose what runs. */
const keepAbsolute = (path: string): string =>
  path
    .split(':')
    .filter(directory => isAbsolute(directory))
    .join(':')

async function workOnCopy<T>(workspace: string, original: string, work: () => Promise<T>): Promise<T> {
  await orBroken('cannot set the workspace aside', () => rename(workspace, original))
  try {
    await orBroken('cannot copy the workspace', () => copyTree(original, workspace))
    return await work()
  } finally {
    await orBroken('cannot restore the workspace', async () => {
      await removeTree(workspace)
      await rename(original, workspace)
    })
  }
}
