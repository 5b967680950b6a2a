// How far what takes long has come: notes for a person who waits; of a conversion a bar on a terminal, else a line now and then on standard
// error, and nothing with --json.

import type { ConversionProgress } from '../convert/convert.ts'
import type { CommandContext } from './commands/_command.ts'

export interface ProgressView {
  readonly update: (progress: ConversionProgress) => void
  readonly done: () => void
}

const noteMs = 1_000

/** Said at most once a second, and only on a terminal. */
export function noteNowAndThen<Told extends readonly unknown[]>(
  { output }: Pick<CommandContext, 'output'>,
  describe: (...told: Told) => string,
  now: () => number = Date.now,
): (...told: Told) => void {
  let shownAt = now()
  return (...told) => {
    if (!output.isTty || now() - shownAt < noteMs) return
    shownAt = now()
    output.note(describe(...told))
  }
}

const frameMs = 100
const lineMs = 10_000
const barColumns = 24

export async function showProgress(
  context: Pick<CommandContext, 'json' | 'output'>,
  now: () => number = Date.now,
): Promise<ProgressView> {
  const { output, json } = context
  if (json) return { update: () => {}, done: () => {} }
  const startedAt = now()
  let shownAt = startedAt
  if (!output.isTty)
    return {
      update: progress => {
        if (now() - shownAt < lineMs) return
        shownAt = now()
        output.note(describeProgress(progress, shownAt - startedAt))
      },
      done: () => {},
    }
  // Loaded where it draws: a command in a script must not wait for it.
  const { createLogUpdate } = await import('log-update')
  const log = createLogUpdate(output.stderr, { showCursor: true })
  return {
    update: progress => {
      // What is over before anyone could read it need not be drawn.
      if (now() - shownAt < frameMs) return
      shownAt = now()
      log(`${drawBar(progress)} ${describeProgress(progress, shownAt - startedAt)}`.slice(0, Math.max(20, output.columns - 1)))
    },
    done: () => log.clear(),
  }
}

function drawBar({ scopes, scopesTotal, calls, callsTotal }: ConversionProgress): string {
  const share = callsTotal === null ? scopes / Math.max(1, scopesTotal) : callsTotal === 0 ? 1 : calls / callsTotal
  const full = Math.min(barColumns, Math.floor(share * barColumns))
  return '█'.repeat(full) + '░'.repeat(barColumns - full)
}

export function describeProgress({ scopes, scopesTotal, calls, callsTotal }: ConversionProgress, elapsedMs: number): string {
  const total = callsTotal === null ? '' : ` of ${callsTotal.toLocaleString('en-US')}`
  const counts = `${scopes} of ${scopesTotal} scopes, ${calls.toLocaleString('en-US')}${total} calls`
  if (callsTotal === null || calls === 0 || calls >= callsTotal) return counts
  return `${counts}, about ${describeTime((elapsedMs / calls) * (callsTotal - calls))} left`
}

function describeTime(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  if (seconds < 90) return `${seconds} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}
