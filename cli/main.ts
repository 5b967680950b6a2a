// The `turnpike` process: signals, standard streams, errors in three lines, and the only process.exit of the product.
// The first Ctrl-C asks the command to stop and keep what it has; the second ends the process at once.

import { describeError } from '../core/error-text.ts'
import { asTurnpikeError, TurnpikeError } from '../core/errors.ts'
import { loadCommands } from './commands/_all.ts'
import { createOutput } from './output.ts'
import { readVersion } from './package-files.ts'
import { createProgram } from './program.ts'

const argv = process.argv.slice(2)
const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
const output = createOutput(process.stdout, process.stderr, process.env)
const abort = new AbortController()

function interrupt(signal: NodeJS.Signals): void {
  if (abort.signal.aborted) process.exit(130)
  abort.abort(new TurnpikeError('E_INTERRUPTED', `stopped by ${signal}`))
}

async function fail(thrown: unknown): Promise<number> {
  const error = asTurnpikeError(thrown)
  output.note(describeError(error))
  if (own.includes('--verbose')) output.note(stackOf(error))
  if (own.includes('--json')) {
    const { code, message, hint, exit, details } = error
    await output.writeJson({ error: { code, message, why: reasonsOf(error), try: hint, exit, details } })
  }
  return error.exit
}

function reasonsOf(error: Error): string[] {
  const reasons: string[] = []
  for (let cause = error.cause; cause instanceof Error && reasons.length < 5; cause = cause.cause) reasons.push(cause.message)
  return reasons
}

function stackOf(error: Error): string {
  const origin = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause.message}` : ''
  return (error.stack ?? error.message) + origin
}

process.on('SIGINT', interrupt)
process.on('SIGTERM', interrupt)
// A reader that has seen enough (`turnpike runs | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 69))
// What is said beside the results is lost where nobody reads it any more; the work goes on.
process.stderr.on('error', () => undefined)
process.on('uncaughtException', error => {
  void fail(error).finally(() => process.exit(asTurnpikeError(error).exit))
})

const { directory, environment, signal } = { directory: process.cwd(), environment: process.env, signal: abort.signal }
const start = async (): Promise<number> =>
  createProgram({ output, directory, environment, signal }, readVersion(), await loadCommands(argv)).run(argv)
const status = await start().catch(fail)
process.exit(status)
