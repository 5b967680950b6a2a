// Commands inside a container, each under a small supervisor: it changes to the directory, says when a program is missing, and when the
// command has ended kills whatever it left behind. Docker itself cannot kill an exec, so a time limit ends everything in the container.

import { randomBytes } from 'node:crypto'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import type Docker from 'dockerode'
import { outputCharsMax } from '../../core/limits.ts'
import { createCappedText } from '../capped-text.ts'
import { type Ended, pause, startLimit } from '../processes.ts'
import type { ExecOptions, RunningCommand } from './_adapter.ts'
import { askDocker } from './_docker-client.ts'
import { commandLost, type ExecOutcome, interrupted, readExit, settle } from './_docker-exec-end.ts'
import { watchExec } from './_docker-exec-watch.ts'

export interface ExecPlace {
  readonly container: Docker.Container
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly user: string | null
  /** Ends all other processes of the container. */
  readonly killAll: () => Promise<unknown>
  /** Resolves when nothing is being killed: a command that starts meanwhile would be killed as well. */
  readonly quiet?: () => Promise<unknown>
  /** Whether programs of the system are not what they were. */
  readonly isTampered?: () => Promise<boolean>
}

/**
 * `kill -1` reaches every process this user may signal, all at once, so that not even a fork bomb outruns it; the shell itself and the
 * container's first process are spared by the kernel. Marks on standard error tell a missing program from one that ends with 127, and a command that
 * failed from one that a daemon in trouble never began: it gives that a status and an output of its own.
 */
const supervisor = `mark=$1; cwd=$2; after=$3; shift 3
echo "$mark began" >&2
cd -- "$cwd" 2>/dev/null || { echo "$mark directory" >&2; exit 126; }
command -v -- "$1" >/dev/null 2>&1 || { echo "$mark missing" >&2; exit 127; }
PWD=$cwd "$@"; code=$?
[ "$after" = kill ] && kill -s KILL -- -1 2>/dev/null
exit $code`

/** `kill`: what the command leaves is killed; `leave`: it is not; `bare`: there is no supervisor, which killing everything would kill. */
type Supervision = 'kill' | 'leave' | 'bare'

interface Started {
  readonly exec: Docker.Exec
  readonly stream: NodeJS.ReadWriteStream
  /** Null without a supervisor. */
  readonly mark: string | null
}

export async function runExec(
  argv: readonly string[],
  options: ExecOptions,
  place: ExecPlace,
  after: Supervision = 'kill',
): Promise<ExecOutcome> {
  const startedAt = performance.now()
  if (options.signal.aborted) return interrupted(startedAt)
  const stdout = createCappedText(outputCharsMax)
  const stderr = createCappedText(outputCharsMax)
  const started = await startExec(argv, { ...options, hasInput: options.stdin !== undefined }, place, after)
  const { stream, exec } = started
  const out = new PassThrough().on('data', (bytes: Buffer) => stdout.push(bytes))
  const err = new PassThrough().on('data', (bytes: Buffer) => stderr.push(bytes))
  place.container.modem.demuxStream(stream, out, err)
  if (options.stdin !== undefined) stream.end(options.stdin)
  const ended = await superviseEnd(waitForClose(started, place), options, place)
  const exit = await readExit(exec)
  return settle({ ended, exit, stdout: stdout.text(), stderr: stderr.text(), startedAt, mark: started.mark }, place.isTampered)
}

export async function spawnExec(
  argv: readonly string[],
  options: Omit<ExecOptions, 'stdin'>,
  place: ExecPlace,
): Promise<RunningCommand> {
  const startedAt = performance.now()
  const stderr = createCappedText(outputCharsMax)
  const started = await startExec(argv, { ...options, hasInput: true }, place, 'kill')
  const { stream, exec, mark } = started
  const stdout = new PassThrough()
  const err = new PassThrough().on('data', (bytes: Buffer) => stderr.push(bytes))
  place.container.modem.demuxStream(stream, stdout, err)
  let why: Ended = 'exited'
  const closed = waitForClose(started, place).finally(() => stdout.end())
  const end = async (reason: 'timed-out' | 'interrupted' | 'exited'): Promise<void> => {
    if (why === 'exited') why = reason
    await killUntil(closed, place)
  }
  // A daemon that is gone is told of by `ended`.
  const endQuietly = (reason: 'timed-out' | 'interrupted'): void => void end(reason).catch(() => undefined)
  const onAbort = (): void => endQuietly('interrupted')
  options.signal.addEventListener('abort', onAbort, { once: true })
  const timer = startLimit(options.timeoutMs, () => endQuietly('timed-out'))
  if (options.signal.aborted) onAbort()
  const stopTimes = (): void => {
    clearTimeout(timer)
    options.signal.removeEventListener('abort', onAbort)
  }
  const ended = closed.finally(stopTimes).then(async () => {
    const exit = await readExit(exec)
    return settle({ ended: why, exit, stdout: '', stderr: stderr.text(), startedAt, mark }, place.isTampered)
  })
  // Nobody may be listening when a daemon goes away between two requests.
  ended.catch(() => undefined)
  return { stdin: stream as unknown as Writable, stdout: stdout as Readable, ended, end }
}

async function startExec(
  argv: readonly string[],
  options: Omit<ExecOptions, 'stdin'> & { readonly hasInput: boolean },
  place: ExecPlace,
  after: Supervision,
): Promise<Started> {
  const mark = `turnpike-${randomBytes(12).toString('hex')}`
  const user = options.user ?? place.user
  await place.quiet?.()
  return askDocker('a command cannot be started in the container', async () => {
    const exec = await place.container.exec({
      Cmd: after === 'bare' ? [...argv] : ['sh', '-c', supervisor, 'turnpike', mark, options.cwd ?? place.cwd, after, ...argv],
      Env: Object.entries({ ...place.env, ...options.env }).map(([name, value]) => `${name}=${value}`),
      AttachStdin: options.hasInput,
      AttachStdout: true,
      AttachStderr: true,
      WorkingDir: '/',
      ...(user === null ? {} : { User: user }),
    })
    const stream = await exec.start({ hijack: options.hasInput, stdin: options.hasInput })
    return { exec, stream: stream as unknown as NodeJS.ReadWriteStream, mark: after === 'bare' ? null : mark }
  })
}

/** Throws when the daemon has lost the command. */
async function waitForClose({ stream, exec }: Started, { container }: ExecPlace): Promise<void> {
  const closed = new Promise<unknown>(resolve => {
    stream.once('end', resolve)
    stream.once('close', resolve)
    stream.once('error', resolve)
  })
  const watch = watchExec(exec, container)
  const how = await Promise.race([closed, watch.lost])
  watch.stop()
  if (how !== 'lost') return
  ;(stream as unknown as Readable).destroy()
  throw commandLost()
}

async function superviseEnd(
  closed: Promise<void>,
  options: Pick<ExecOptions, 'timeoutMs' | 'signal'>,
  place: ExecPlace,
): Promise<Ended> {
  let why: Ended = 'exited'
  const end = (reason: Ended): void => {
    if (why !== 'exited') return
    why = reason
    void killUntil(closed, place).catch(() => undefined)
  }
  const onAbort = (): void => end('interrupted')
  const timer = startLimit(options.timeoutMs, () => end('timed-out'))
  options.signal.addEventListener('abort', onAbort, { once: true })
  if (options.signal.aborted) onAbort()
  try {
    await closed
  } finally {
    clearTimeout(timer)
    options.signal.removeEventListener('abort', onAbort)
  }
  return why
}

/** A command may be on its way into the container while everything in it is killed: then it is killed when it has arrived. */
async function killUntil(closed: Promise<unknown>, place: ExecPlace): Promise<void> {
  const state = { isOpen: true }
  const over = closed
    .catch(() => undefined)
    .then(() => {
      state.isOpen = false
    })
  while (state.isOpen) {
    await place.killAll()
    await Promise.race([over, pause(250)])
  }
}

/** Variables of an image, as Docker lists them. */
export function readEnv(list: readonly string[] | undefined): Record<string, string> {
  return Object.fromEntries((list ?? []).map(entry => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]))
}
