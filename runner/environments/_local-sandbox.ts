// Bubblewrap around the commands of a local trial, where this machine lets it work: the disk is read-only, other trials and what the run hides
// cannot be seen, and every command has a view of processes of its own that ends with it. Knows nothing of turns or verdicts.

import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, type Stats } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, isAbsolute, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TurnpikeError } from '../../core/errors.ts'
import { canExecute } from '../file-access.ts'
import { type ExecResult, runGroup, waitFor } from '../processes.ts'

export interface SandboxView {
  /** The trial's directory: what is not named below cannot be seen in it. */
  readonly root: string
  readonly writable: readonly string[]
  readonly readable: readonly string[]
  /** Paths of this machine that must not be seen. */
  readonly hides: readonly string[]
  /** Stands in the place of /tmp; null = an empty one for this command alone. */
  readonly temporary: string | null
  readonly cwd: string
  readonly path: string
}

const program = 'bwrap'
const programPath = '/usr/local/bin:/usr/bin:/bin'

/** Views of processes, shared memory and the machine's name of its own; no capability, also for root; nothing outlives us. */
const base = [
  '--json-status-fd',
  '3',
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-uts',
  '--die-with-parent',
  '--cap-drop',
  'ALL',
]
const system = ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/run']

/** Keys and tokens of the person who runs this, below the home directory. */
const secrets = [
  ...['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.docker', '.netrc', '.npmrc', '.pypirc', '.git-credentials', '.config'],
  ...['.claude', '.claude.json', '.codex', '.gemini', '.qwen', '.kimi', '.factory', '.copilot', '.bash_history'],
]

let probing: Promise<string | null> | null = null

/** Null = it works here; else why it does not. Tried once, with everything that a trial needs. */
export function probeSandbox(): Promise<string | null> {
  probing ??= (async () => {
    const result = await runGroup({
      argv: [program, ...base, ...system, '--tmpfs', '/tmp', '--', 'true'],
      cwd: '/',
      env: { PATH: programPath },
      timeoutMs: 10_000,
      signal: new AbortController().signal,
      outputCharsMax: 2_000,
      tells: true,
    })
    if (result.ended === 'exited' && result.exit === 0) return null
    return result.startFailure === null ? result.stderr.trim() || `bwrap ${result.ended}` : 'bubblewrap (bwrap) is not installed'
  })()
  return probing
}

/** argv that runs the command with this view. Looks at what is there now, at once: waiting for each look would take longer than all of them. */
export function wrapCommand(argv: readonly string[], view: SandboxView): string[] {
  const temporaries = new Set(['/tmp', '/var/tmp', realpathSync(tmpdir())])
  const placeTemporary = (path: string): string[] =>
    view.temporary === null ? ['--tmpfs', path] : ['--bind', view.temporary, path]
  const home = findHome()
  const hidden = [...view.hides, ...(home === null ? [] : secrets.map(name => join(home, name)))]
  return [
    findBubblewrap(),
    ...base,
    ...system,
    // Names are often resolved with what stands here.
    ...readOnly(['/run/systemd/resolve', '/run/resolvconf']),
    ...[...temporaries].flatMap(placeTemporary),
    ...readOnly([installation].filter(path => isBelow(path, [...temporaries]))),
    ...readOnly(listNamed(argv, view.path, [...temporaries])),
    ...hideAll(hidden),
    // The trial's own comes last: it may lie below any of the places above.
    '--tmpfs',
    view.root,
    ...view.writable.flatMap(path => ['--bind', path, path]),
    ...view.readable.flatMap(path => ['--ro-bind', path, path]),
    '--remount-ro',
    view.root,
    '--chdir',
    view.cwd,
    '--',
    ...argv,
  ]
}

function findHome(): string | null {
  try {
    return realpathSync(homedir())
  } catch {
    return null
  }
}

function lookAt(path: string): Stats | null {
  try {
    return lstatSync(path)
  } catch {
    return null
  }
}

/** Where Turnpike itself lies with the packages it needs: agents of our own are started from there. */
const installation = ((): string => {
  const here = fileURLToPath(import.meta.url)
  const packages = `${sep}node_modules${sep}`
  if (here.includes(packages)) return here.slice(0, here.indexOf(packages) + packages.length - 1)
  let root = dirname(here)
  while (!existsSync(join(root, 'package.json')) && root !== dirname(root)) root = dirname(root)
  return root
})()

const isBelow = (path: string, places: readonly string[]): boolean =>
  isAbsolute(path) && places.some(place => path.startsWith(place + sep))

/** By its own path: the search path of the trial may lead to anything. */
function findBubblewrap(): string {
  for (const directory of programPath.split(':')) if (existsSync(join(directory, program))) return join(directory, program)
  return program
}

const readOnly = (paths: readonly string[]): string[] =>
  paths.filter(path => existsSync(path)).flatMap(path => ['--ro-bind', path, path])

/** Directories become empty ones, files empty files. */
const hideAll = (paths: readonly string[]): string[] =>
  paths.flatMap(path => {
    const found = lookAt(path)
    if (found?.isDirectory()) return ['--tmpfs', path]
    return found?.isFile() ? ['--ro-bind', '/dev/null', path] : []
  })

/** Files that the command line names and directories of the search path, where a temporary place would hide them. */
function listNamed(argv: readonly string[], path: string, places: readonly string[]): string[] {
  const isCovered = (name: string): boolean => isBelow(name, places)
  return [...path.split(':').filter(isCovered), ...argv.filter(isCovered).filter(name => lookAt(name)?.isFile())]
}

/** True when the program of a command can be found: without one there is nothing to put into a sandbox. */
export function hasProgram(argv: readonly string[], cwd: string, path: string): boolean {
  const name = argv[0] ?? ''
  const candidates = name.includes('/')
    ? [isAbsolute(name) ? name : join(cwd, name)]
    : path.split(':').map(directory => join(directory, name))
  return candidates.some(canExecute)
}

/** SIGTERM for the command and not for the sandbox around it, which would take the command's time to leave in order. */
export function terminateInside(group: number): void {
  for (const { id, name } of listGroup(group)) if (name !== program) signalQuietly(id, 'SIGTERM')
}

/**
 * Resolves when nothing that was started in the sandbox lives. Its first process is the last to go, since the kernel ends the others before it: to
 * know that one, from what bubblewrap told before the command began, saves a search through all processes of this machine.
 */
export async function endSandbox(group: number, told: Promise<string>): Promise<void> {
  const first = readFirstProcess(await told)
  for (let look = 0; look < 500; look++) {
    const left = first === null ? listGroup(group) : listGroup(group, [first])
    if (left.length === 0) return
    for (const { id } of left) signalQuietly(id, 'SIGKILL')
    await waitFor(look < 10 ? 1 : 5)
  }
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the sandbox of process ${group} could not be ended`)
}

/** Null when it was not told: then everything is looked through. */
function readFirstProcess(told: string): number | null {
  const [, id] = /"child-pid": *(\d+)/.exec(told) ?? []
  return id === undefined ? null : Number(id)
}

function signalQuietly(id: number, signal: NodeJS.Signals): void {
  try {
    process.kill(id, signal)
  } catch {
    // It has ended in the meantime.
  }
}

const listAll = (): string[] => readdirSync('/proc').filter(entry => /^\d+$/.test(entry))

function listGroup(
  group: number,
  candidates: ReadonlyArray<string | number> = listAll(),
): Array<{ readonly id: number; readonly name: string }> {
  return candidates.flatMap(entry => {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
      const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
      return processGroup === String(group) && state !== 'Z' ? [{ id: Number(entry), name }] : []
    } catch {
      return []
    }
  })
}

/** bubblewrap tells an exit status only of a command that it has started, where nothing inside can write: what a command prints itself is no sign. */
const wasStarted = ({ told }: ExecResult): boolean => told?.includes('"exit-code"') === true

/** Why the sandbox was not there before its command could begin, such as a mount of this machine that went away meanwhile; null = it was. */
export function readSetupFailure(result: ExecResult): string | null {
  if (result.ended !== 'exited' || result.exit !== 1 || result.told === undefined || wasStarted(result)) return null
  return result.stderr.startsWith('bwrap: ') && !result.stderr.startsWith('bwrap: execvp ') ? result.stderr.trim() : null
}

/** The end of the sandbox as the end of the command in it. 128 + n is how bubblewrap says that signal n ended the command. */
export function readSandboxEnd(result: ExecResult): ExecResult {
  if (result.ended !== 'exited') return result
  if (result.exit === 1 && !wasStarted(result) && result.stderr.startsWith('bwrap: execvp ')) {
    return { ...result, ended: 'failed-to-start', exit: null, stderr: '', startFailure: result.stderr.slice(14).trim() }
  }
  return result.exit !== null && [134, 137, 139, 143].includes(result.exit) ? { ...result, exit: null } : result
}
