// A bound on the processes of a local trial, kept by the kernel: a control group of its own, where this user may make one (as root). Nothing that polls
// outruns a program that forks without end. Where none can be made there is no bound, and docs/integrity.md says so.

import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { mkdir, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface ProcessLimit {
  /** The kernel keeps it; false = there is none. */
  readonly isKept: boolean
  /** argv that begins inside the bound. */
  readonly wrap: (argv: readonly string[]) => string[]
  /** Only when nothing of the trial is alive. */
  readonly close: () => Promise<void>
}

const none: ProcessLimit = { isKept: false, wrap: argv => [...argv], close: async () => undefined }

/**
 * Joins before it becomes the command; a group that is gone must not keep the command from starting. A shell has one thread: to move that one alone
 * (`tasks`) moves all of it, and only for that the kernel does not make every other process wait, which takes ten milliseconds and more.
 */
const joinScript = 'echo 0 2>/dev/null >"$0"; exec "$@"'

/** Without a number there is no bound. */
export async function limitProcesses(trialId: string, processesMax: number | null): Promise<ProcessLimit> {
  const base = processesMax === null ? null : findBase()
  if (base === null) return none
  const group = groupOf(base, trialId)
  try {
    await mkdir(group, { recursive: true })
    await writeFile(join(group, 'pids.max'), String(processesMax))
  } catch {
    await rmdir(group).catch(() => undefined)
    return none
  }
  // Version 2 moves single threads only within a group of its own kind.
  const members = join(group, existsSync(join(group, 'tasks')) ? 'tasks' : 'cgroup.procs')
  return {
    isKept: true,
    wrap: argv => ['/bin/sh', '-c', joinScript, members, ...argv],
    close: async () => {
      // Its last member may still be on its way out.
      for (let look = 0; look < 50; look++) {
        const isGone = await rmdir(group).then(
          () => true,
          (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT',
        )
        if (isGone) return
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    },
  }
}

/** Takes away what a killed Turnpike has left. */
export async function removeLimit(trialId: string): Promise<void> {
  const base = findBase()
  if (base !== null) await rmdir(groupOf(base, trialId)).catch(() => undefined)
}

const groupOf = (base: string, trialId: string): string => join(base, `turnpike-${trialId}`)

/** Where groups can be made; null = nowhere. */
function findBase(): string | null {
  try {
    const lines = readFileSync('/proc/self/cgroup', 'latin1').split('\n')
    const first = lines.find(line => /^\d+:([^:]*,)?pids(,[^:]*)?:/.test(line))
    const base = first === undefined ? findUnified(lines) : join('/sys/fs/cgroup/pids', pathOf(first))
    if (base === null) return null
    accessSync(base, constants.W_OK)
    return base
  } catch {
    return null
  }
}

/** Version 2: a group with members can have none below it, so ours stands beside our own. */
function findUnified(lines: readonly string[]): string | null {
  const line = lines.find(candidate => candidate.startsWith('0::'))
  if (line === undefined) return null
  const own = join('/sys/fs/cgroup', pathOf(line))
  const base = pathOf(line) === '/' ? own : dirname(own)
  return readFileSync(join(base, 'cgroup.subtree_control'), 'latin1').includes('pids') ? base : null
}

const pathOf = (line: string): string => line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1)
