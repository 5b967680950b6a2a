// One tmux session on a server of its own: keys go in, text comes out. The only file of `terminus` that starts processes. The
// server dies with the conversation's request; nothing of the user's own tmux is read, shown or touched.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { type ExecResult, runGroup } from '../processes.ts'
import type { Capture } from './screen.ts'

export interface TerminalOptions {
  readonly columns: number
  readonly rows: number
  /** Lines of scrollback. */
  readonly historyLines: number
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Everything the pane prints is appended to it. */
  readonly recordingFile: string
  readonly signal: AbortSignal
}

export interface Terminal {
  /** False when the session is gone: its shell was left, or the server killed. */
  readonly isAlive: () => Promise<boolean>
  /** Types the keys as they are; a text that is exactly a key's name of tmux (C-c, Escape, Up) presses that key. */
  readonly type: (keystrokes: string) => Promise<void>
  readonly capture: () => Promise<Capture>
  readonly close: () => Promise<void>
}

const session = 'terminus'
/** tmux takes 16 KB of arguments in a message; longer text goes in as a paste. */
export const keysBytesMax = 16_000
const captureCharsMax = 64 * 1024 * 1024
const commandTimeoutMs = 30_000
/** A Unix socket's path has room for 107 bytes. */
const socketPathMax = 100

type RunTmux = (args: readonly string[], stdin?: Buffer) => Promise<ExecResult>

/** E_ENVIRONMENT_FAILED when tmux is missing, too old, or does not start. */
export async function openTerminal(options: TerminalOptions): Promise<Terminal> {
  const directory = makeSocketDirectory()
  const run: RunTmux = (args, stdin) =>
    runGroup({
      argv: ['tmux', '-u', '-f', '/dev/null', '-S', join(directory, 'tmux'), ...args],
      cwd: options.cwd,
      env: { ...options.env, TERM: 'xterm-256color' },
      ...(stdin === undefined ? {} : { stdin }),
      timeoutMs: commandTimeoutMs,
      signal: options.signal,
      outputCharsMax: captureCharsMax,
      lingerMs: 100,
    })
  const close = async (): Promise<void> => {
    // The signal may have fired already, and the server must go all the same.
    const argv = ['tmux', '-S', join(directory, 'tmux'), 'kill-server']
    const signal = new AbortController().signal
    await runGroup({ argv, cwd: '/', env: { ...options.env }, timeoutMs: 5_000, signal, outputCharsMax: 1_000, lingerMs: 0 })
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await checkVersion(run)
    await start(run, options)
  } catch (error) {
    await close()
    throw error
  }
  return {
    isAlive: async () => (await run(['has-session', '-t', `=${session}`])).exit === 0,
    type: keystrokes => typeKeys(run, keystrokes),
    capture: async () => {
      const screen = await mustRun(run, ['capture-pane', '-p', '-t', session])
      return { whole: await mustRun(run, ['capture-pane', '-p', '-S', '-', '-t', session]), screen }
    },
    close,
  }
}

function makeSocketDirectory(): string {
  const parent = Buffer.byteLength(tmpdir()) + '/terminus-123456/tmux'.length > socketPathMax ? '/tmp' : tmpdir()
  return mkdtempSync(join(parent, 'terminus-'))
}

const versionHint = 'install tmux 3.2 or newer where the agent works: apt-get install tmux, or add it to the image of the task'

async function checkVersion(run: RunTmux): Promise<void> {
  const { ended, exit, stdout, startFailure } = await run(['-V'])
  if (ended === 'failed-to-start')
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `terminus needs tmux, which could not be started: ${startFailure}`, {
      hint: versionHint,
    })
  const complaint = exit === 0 ? refuseVersion(stdout) : `tmux -V ended with exit status ${exit}`
  if (complaint !== null) throw new TurnpikeError('E_ENVIRONMENT_FAILED', complaint, { hint: versionHint })
}

/** Null when the version is new enough; builds from a branch carry no number and are believed. */
export function refuseVersion(printed: string): string | null {
  const found = /(\d+)\.(\d+)/.exec(printed)
  if (found === null) return null
  const [major, minor] = [Number(found[1]), Number(found[2])]
  if (major > 3 || (major === 3 && minor >= 2)) return null
  return `terminus needs tmux 3.2 or newer; found ${printed.trim()}`
}

/** The profile of a login shell may replace PATH; the environment's own comes back in front of it, since verifiers use that one. */
const loginShell = `exec bash --login -c 'PATH="$TERMINUS_PATH:$PATH"; unset TERMINUS_PATH; exec bash -i'`
const plainShell = 'unset TERMINUS_PATH; exec sh -i'

async function start(run: RunTmux, options: TerminalOptions): Promise<void> {
  const { columns, rows, historyLines, cwd, env } = options
  const shell = `if command -v bash > /dev/null; then ${loginShell}; fi; ${plainShell}`
  // The limit counts for panes made after it, so it stands before the first one.
  await mustRun(run, [
    ...['start-server', ';', 'set-option', '-g', 'history-limit', String(historyLines), ';'],
    ...['set-option', '-g', 'default-terminal', 'xterm-256color', ';', 'set-option', '-s', 'escape-time', '0', ';'],
    ...['new-session', '-d', '-s', session, '-x', String(columns), '-y', String(rows), '-c', cwd],
    ...['-e', `TERMINUS_PATH=${env['PATH'] ?? '/usr/bin:/bin'}`, 'sh', '-c', shell],
  ])
  mkdirSync(dirname(options.recordingFile), { recursive: true })
  await mustRun(run, ['pipe-pane', '-t', session, `cat >> ${quote(options.recordingFile)}`])
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`).replaceAll('#', '##')}'`

async function mustRun(run: RunTmux, args: readonly string[], stdin?: Buffer): Promise<string> {
  const { ended, exit, stdout, stderr } = await run(args, stdin)
  if (exit === 0) return stdout
  const why = stderr.trim() === '' ? `${ended}, exit status ${exit}` : stderr.trim()
  throw new TurnpikeError('E_AGENT_FAILED', `tmux ${args[0]}: ${why.slice(0, 500)}`)
}

async function typeKeys(run: RunTmux, keystrokes: string): Promise<void> {
  // Neither a terminal nor an argument can carry it.
  const keys = keystrokes.replaceAll('\0', '')
  if (keys === '') return
  if (Buffer.byteLength(keys) <= keysBytesMax - 200) {
    // A semicolon at the end would end the command of tmux instead of being typed.
    await mustRun(run, ['send-keys', '-t', session, '--', keys.endsWith(';') ? `${keys.slice(0, -1)}\\;` : keys])
    return
  }
  await mustRun(run, ['load-buffer', '-b', 'keys', '-'], Buffer.from(keys))
  await mustRun(run, ['paste-buffer', '-d', '-r', '-b', 'keys', '-t', session])
}
