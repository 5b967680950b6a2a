// The environment that needs nothing: a temporary directory per trial, variables built from scratch, and a search for everything the agent
// started when a command has ended. Commands run in a sandbox where this machine has one; without it they share user, network and disk with us.
// Never lets a variable of the host in.

import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { trialProcessesMax } from '../../core/limits.ts'
import { prepareLauncher } from '../launcher.ts'
import { endSurvivors, freezeProcesses, thawProcesses, trialMark } from '../survivors.ts'
import type { Environment, EnvironmentAdapter, EnvironmentSpec } from './_adapter.ts'
import { limitProcesses, type ProcessLimit, removeLimit } from './_local-cgroup.ts'
import { createCommands } from './_local-commands.ts'
import { createCopying, createKeptCopy } from './_local-copy.ts'
import { blameHog } from './_local-disk.ts'
import { copyTree, dateNow, orBroken, readRegularFile, removeTree } from './_local-files.ts'
import { probeSandbox } from './_local-sandbox.ts'
import {
  copyTreeOut,
  copyTreesIn,
  ensureWorkspace,
  insideOf,
  isReachedPlainly,
  makeRealDirectory,
  writeTree,
} from './_local-trees.ts'

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
      if (isolation === 'sandbox') prepareLauncher()
      const bound = isolation === 'sandbox' ? (spec.processesMax ?? trialProcessesMax) : null
      return createEnvironment(spec, root, isolation, await limitProcesses(spec.trialId, bound))
    })
  },
  sweep: async trialIds => {
    const names = await readdir(tmpdir())
    for (const trialId of trialIds) {
      await endSurvivors(trialId, null)
      await removeLimit(trialId)
      for (const name of names.filter(candidate => candidate.startsWith(rootPrefix(trialId)))) {
        const root = join(await realpath(tmpdir()), name)
        await endSurvivors(trialId, root)
        await removeTree(root)
      }
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

function createEnvironment(
  spec: EnvironmentSpec,
  root: string,
  isolation: 'sandbox' | 'none',
  processes: ProcessLimit,
): Environment {
  const workspace = join(root, 'workspace')
  const home = join(root, 'home')
  const frozen = new Set<number>()
  const env = writeEnv(spec, root, home)
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
      processes,
      frozen,
    }),
    endProcesses: () => endSurvivors(spec.trialId, root, frozen),
    freeze: () => freezeProcesses(spec.trialId, root, frozen),
    thaw: async () => thawProcesses(frozen),
    writeFiles: (directory, files) =>
      blameHog(root, () => orBroken(`cannot write into ${directory}`, () => writeTree(root, directory, files))),
    copyIn: trees => blameHog(root, () => copyTreesIn(trees, { root, workspace })),
    copyOut: (path, directory, limits) => copyTreeOut(root, path, directory, limits),
    empty: async paths => {
      for (const path of paths)
        await orBroken(`cannot empty ${path}`, async () => {
          await makeRealDirectory(root, dirname(insideOf(root, path)))
          await removeTree(path)
          await mkdir(path)
        })
    },
    setNetwork: async policy => {
      if (policy.mode === 'public') return
      throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the environment local cannot limit the network to ${policy.mode}`, {
        hint: 'use --env docker for tasks that limit the network',
      })
    },
    readFile: async (path, bytesMax) => ((await isReachedPlainly(root, path)) ? readRegularFile(path, bytesMax) : null),
    makeScratch: () =>
      blameHog(root, () =>
        orBroken('cannot make a scratch directory', async () => {
          const path = join(root, 'scratch', randomBytes(16).toString('hex'))
          const scratch = { path, home: join(path, 'home'), temporary: join(path, 'tmp') }
          for (const directory of Object.values(scratch)) await mkdir(directory)
          state.scratches.add(path)
          return scratch
        }),
      ),
    removeScratch: ({ path }) => {
      state.scratches.delete(path)
      return orBroken(`cannot remove ${path}`, () => removeTree(path))
    },
    // The clock of the system may be ahead of the one that dates files by a tick.
    tellTime: () => orBroken('cannot tell the time', () => dateNow(join(root, 'scratch'))),
    ...createStates({ root, workspace, isolation, state }),
    hostUrl: url => url,
    close: async () => {
      await endSurvivors(spec.trialId, root)
      await processes.close()
      await orBroken(`cannot remove ${root}`, () => removeTree(root))
    },
  }
}

function writeEnv(spec: EnvironmentSpec, root: string, home: string) {
  return {
    PATH: [...(spec.layerDirectory ? [join(spec.layerDirectory, 'bin')] : []), keepAbsolute(spec.path ?? defaultPath)].join(':'),
    HOME: home,
    LANG: 'C.UTF-8',
    TMPDIR: join(root, 'tmp'),
    // A repository above the temporary directory is none of the agent's business.
    GIT_CEILING_DIRECTORIES: root,
    [trialMark]: spec.trialId,
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
  const ensure = (): Promise<void> => orBroken('the workspace cannot be reached', () => ensureWorkspace(root, workspace))
  const places = { workspace, original: join(root, 'original'), copy: join(root, 'copy'), ensure }
  // What stays between verifications must be out of the agent's reach.
  const workOnCopy = isolation === 'sandbox' ? createKeptCopy(places) : createCopying(places)
  return {
    onCopy: async work => {
      state.isOnCopy = true
      try {
        return await blameHog(root, () => workOnCopy(work))
      } finally {
        state.isOnCopy = false
      }
    },
    keep: async name => {
      await ensure()
      await orBroken('cannot keep a copy of the workspace', async () => {
        await removeTree(kept(name))
        await copyTree(workspace, kept(name))
      })
    },
    rollBack: async name => {
      await ensure()
      await orBroken('cannot restore the workspace', async () => {
        // The directory itself stays: it is where a living conversation of the agent stands.
        for (const entry of await readdir(workspace)) await removeTree(join(workspace, entry))
        await copyTree(kept(name), workspace)
      })
    },
    exportWorkspace: async () => {
      await ensure()
      return workspace
    },
  }
}

/** Entries that are relative lead into the workspace: the agent would choose what runs. */
const keepAbsolute = (path: string): string =>
  path
    .split(':')
    .filter(directory => isAbsolute(directory))
    .join(':')
