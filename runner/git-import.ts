// Writes one commit into a bare repository with one process: git's own import stream, into which only what has changed is fed. Below snapshots.ts.
// What the workspace or the user says about git is not asked: the stream names every byte.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TurnpikeError } from '../core/errors.ts'
import { createCappedText } from './capped-text.ts'
import { runApart } from './launcher.ts'
import type { WorkspaceFile } from './workspace-files.ts'

export interface Import {
  readonly git: string
  /** The bare repository. */
  readonly repository: string
  /** Without the branch's prefix. */
  readonly branch: string
  /** Null: the history begins with this commit. */
  readonly parent: string | null
  readonly message: string
  readonly at: number
  /** Where the files are read. */
  readonly directory: string
  readonly changed: ReadonlyMap<string, WorkspaceFile>
  readonly gone: readonly string[]
}

export interface Imported {
  readonly commit: string
  readonly tree: string
}

/** A pack for each commit: many small files cost more than all else. Nothing is forced to the disk: a snapshot need only outlive this process. */
const settings = ['fastimport.unpackLimit=1', 'core.fsync=none', 'core.fsyncObjectFiles=false', 'pack.compression=1']

/** What is more than this is not held in memory whole. */
const heldBytesMax = 4 * 1024 * 1024

export async function importCommit(wanted: Import): Promise<Imported> {
  const argv = [...settings.flatMap(setting => ['-c', setting]), 'fast-import', '--quiet', '--force', '--date-format=raw']
  const env = { GIT_DIR: wanted.repository, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', LC_ALL: 'C' }
  let bytes = 0
  for (const file of wanted.changed.values()) bytes += file.bytes
  const { status, stdout, stderr, trouble } = await (bytes > heldBytesMax ? feed : feedAtOnce)([wanted.git, ...argv], env, wanted)
  const [, commit, tree] = /^([0-9a-f]{40,64})\n040000 tree ([0-9a-f]{40,64})\t/.exec(stdout) ?? []
  if (status === 0 && commit !== undefined && tree !== undefined) return { commit, tree }
  throw broken(`git fast-import: ${stderr.trim().slice(-2_000) || `exit status ${status}`}`, trouble)
}

interface Fed {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly trouble: unknown
}

type Variables = Readonly<Record<string, string>>

async function feedAtOnce(argv: readonly string[], env: Variables, wanted: Import): Promise<Fed> {
  const parts: Buffer[] = []
  try {
    for await (const part of writeStream(wanted)) parts.push(Buffer.from(part))
  } catch (error) {
    throw broken('a file cannot be read', error)
  }
  const place = { cwd: wanted.repository, env, stdin: Buffer.concat(parts) }
  const { signal } = new AbortController()
  const result = await runApart({ argv, ...place, timeoutMs: null, signal, outputCharsMax: 10_000 })
  if (result.startFailure !== null) throw broken(`git cannot be started: ${result.startFailure}`, undefined)
  return { status: result.exit, stdout: result.stdout, stderr: result.stderr, trouble: undefined }
}

async function feed([program = '', ...argv]: readonly string[], env: Variables, wanted: Import): Promise<Fed> {
  const child = spawn(program, argv, { cwd: wanted.repository, env, stdio: ['pipe', 'pipe', 'pipe'] })
  const stdout = createCappedText(10_000)
  const stderr = createCappedText(10_000)
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  const ended = once(child, 'close').catch((error: unknown) => {
    throw broken('git cannot be started', error)
  })
  // Refused input ends the pipe; what git says at its end tells why.
  const feeding = pipeline(Readable.from(writeStream(wanted), { objectMode: true }), child.stdin).catch((error: unknown) => error)
  const [status] = await ended
  return { status, stdout: stdout.text(), stderr: stderr.text(), trouble: await feeding }
}

function broken(why: string, cause: unknown): TurnpikeError {
  return new TurnpikeError('E_ENVIRONMENT_FAILED', `cannot record a snapshot: ${why}`, cause === undefined ? {} : { cause })
}

async function* writeStream({ branch, parent, message, at, directory, changed, gone }: Import): AsyncGenerator<string | Buffer> {
  const text = Buffer.from(message)
  yield `feature done\ncommit refs/heads/${branch}\nmark :1\n`
  yield `committer turnpike <turnpike@localhost> ${Math.floor(at / 1000)} +0000\ndata ${text.length}\n`
  yield text
  yield parent === null ? '\n' : `\nfrom ${parent}\n`
  // Before what has come: a directory may stand where a file was.
  for (const path of gone) yield `D ${quote(path)}\n`
  for (const [path, { mode }] of changed) {
    const file = join(directory, path)
    const bytes = mode === '120000' ? await readlink(file, { encoding: 'buffer' }) : await readFile(file)
    yield `M ${mode} inline ${quote(path)}\ndata ${bytes.length}\n`
    yield bytes
    yield '\n'
  }
  yield '\nget-mark :1\nls :1 ""\ndone\n'
}

/** As git reads names in quotes: all but these three stand for themselves. */
const quote = (path: string): string => `"${path.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`
