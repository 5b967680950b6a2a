// Puts a recorded tree back into an environment: `git archive` on this machine, `tar` in the place, bytes and links as they were
// recorded. Runs as the agent's own user, so that nothing it unpacks can reach further than the agent itself.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { TurnpikeError } from '../core/errors.ts'
import type { Environment } from './environments/_adapter.ts'

export interface RecordedTree {
  readonly git: string
  /** Bare repository. */
  readonly repository: string
  readonly commit: string
  /** Made as well, relative: git holds none. */
  readonly emptyDirectories: readonly string[]
}

/** Empties the directory of the environment and fills it with the recorded tree. */
export async function restoreTree(
  environment: Environment,
  directory: string,
  tree: RecordedTree,
  signal: AbortSignal,
): Promise<void> {
  // What a task's own .gitattributes leaves out of archives belongs to the workspace all the same.
  const attributes = '* -text -eol -ident -filter -working-tree-encoding -export-ignore -export-subst\n'
  await writeFile(join(tree.repository, 'info', 'attributes'), attributes).catch(error => {
    throw broken(`${tree.repository} cannot be used`, error)
  })
  await environment.empty([directory])
  // Before git: what a process has written is thrown away when it ends before anybody reads.
  const unpack = await environment.spawn(['tar', '-xf', '-', '-C', directory], { timeoutMs: 600_000, signal })
  unpack.stdout.resume()
  const argv = ['-c', 'tar.umask=0022', 'archive', '--format=tar', `${tree.commit}^{tree}`]
  const archive = spawn(tree.git, argv, {
    env: { GIT_DIR: tree.repository, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const complaint: string[] = []
  archive.stderr.on('data', (bytes: Buffer) => complaint.push(bytes.toString()))
  const archived = once(archive, 'close').catch(error => {
    throw broken('git cannot be started', error)
  })
  // A tar that ends before git closes its pipe: either it failed, or it has seen the mark at the end, behind which only padding comes.
  let endedFirst = false
  await pipeline(archive.stdout, unpack.stdin).catch(() => {
    endedFirst = archive.kill('SIGKILL')
  })
  const [status, signalled] = await archived
  const unpacked = await unpack.ended
  if (status !== 0 && !(endedFirst && signalled === 'SIGKILL'))
    throw broken(`git archive of ${tree.commit} in ${tree.repository}: ${complaint.join('').trim()}`)
  if (unpacked.ended !== 'exited' || unpacked.exit !== 0) throw broken(`tar: ${unpacked.startFailure ?? unpacked.stderr.trim()}`)
  if (tree.emptyDirectories.length === 0) return
  const made = await environment.exec(['xargs', '-0', 'mkdir', '-p', '--'], {
    cwd: directory,
    stdin: tree.emptyDirectories.map(path => `${path}\0`).join(''),
    timeoutMs: 60_000,
    signal,
  })
  if (made.exit !== 0) throw broken(`mkdir: ${made.startFailure ?? made.stderr.trim()}`)
}

function broken(why: string, cause?: unknown): TurnpikeError {
  return new TurnpikeError(
    'E_ENVIRONMENT_FAILED',
    `cannot restore a recorded state: ${why}`,
    cause === undefined ? {} : { cause },
  )
}
