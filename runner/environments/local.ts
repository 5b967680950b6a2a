// The environment that needs nothing: a temporary directory per trial, an environment built from scratch, and the certainty
// that nothing the agent started is alive when a command has ended. It is not a sandbox: same user, same network, same disk.
// Never lets a variable of the host in.

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, chmod, cp, lstat, mkdir, mkdtemp, open, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { outputCharsMax } from '../../core/limits.ts'
import { runGroup, signalGroup } from '../processes.ts'
import { endSurvivors, trialMark } from '../survivors.ts'
import type { Environment, EnvironmentAdapter, EnvironmentSpec, ExecOptions, FileRead } from './_adapter.ts'

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
  open: async (spec, signal) => {
    signal.throwIfAborted()
    return orBroken('cannot make the trial directory', async () => {
      // Outside the project: agents look for instructions and repositories in the parents of their workspace.
      const root = await realpath(await mkdtemp(join(tmpdir(), rootPrefix(spec.trialId))))
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
    endProcesses: () => endSurvivors(spec.trialId, root),
    writeFiles: (directory, files) => orBroken(`cannot write into ${directory}`, () => writeTree(directory, files)),
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

async function writeTree(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const parts = path.split('/')
    let at = directory
    for (const part of parts.slice(0, -1)) {
      at = join(at, part)
      if (!(await isRealDirectory(at))) {
        await removeTree(at)
        await mkdir(at)
      }
    }
    const target = join(directory, path)
    await removeTree(target)
    await writeFile(target, text, { flag: 'wx', mode: text.startsWith('#!') ? 0o755 : 0o644 })
  }
}

async function isRealDirectory(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null)
  return found?.isDirectory() ?? false
}

async function readRegularFile(path: string, bytesMax: number): Promise<FileRead | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags).catch(() => null)
  if (file === null) return null
  try {
    const found = await file.stat()
    if (!found.isFile()) return null
    const bytes = Buffer.alloc(Math.min(found.size, bytesMax))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    return { text: bytes.toString('utf8', 0, bytesRead), modifiedAtMs: found.mtimeMs }
  } finally {
    await file.close()
  }
}

const copyTree = (from: string, to: string): Promise<void> =>
  unlocking(from, () =>
    cp(from, to, {
      recursive: true,
      force: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
      filter: isCopyable,
    }),
  )

const removeTree = (path: string): Promise<void> =>
  unlocking(path, () => rm(path, { recursive: true, force: true, maxRetries: 3 }))

/** Sockets, pipes and devices cannot be copied and hold no content; an agent may have left some. */
async function isCopyable(path: string): Promise<boolean> {
  const found = await lstat(path)
  return found.isFile() || found.isDirectory() || found.isSymbolicLink()
}

/** Package caches hold read-only directories, which cannot be emptied, and files without read permission cannot be copied. */
async function unlocking(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code !== 'EACCES' && code !== 'EPERM') throw error
    await unlock(path)
    await work()
  }
}

async function unlock(path: string): Promise<void> {
  const found = await lstat(path)
  if (found.isSymbolicLink()) return
  await chmod(path, found.mode | (found.isDirectory() ? 0o700 : 0o600))
  if (!found.isDirectory()) return
  for (const name of await readdir(path)) await unlock(join(path, name))
}

async function orBroken<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof TurnpikeError ? error : new TurnpikeError('E_ENVIRONMENT_FAILED', what, { cause: error })
  }
}
