// Providers that say "slow down": how long nobody of this run should start something new with them. Shared by all trials of a run, so
// that one answer 429 is not asked for again by thirty others. Pure but for the clock and the dice it is given.

import { providerPauseMsMax, providerRetryMs } from '../core/limits.ts'
import type { Exchange } from '../core/types.ts'

export interface ProviderPauses {
  /** Notes what broke a trial; returns how long to wait before its next try, or null when another try would end the same. */
  readonly report: (last: Exchange, retry: number) => number | null
  /** Milliseconds until something new may be started: the longest pause of any provider that the run uses. */
  readonly waitMs: () => number
}

export interface ProviderPauseOptions {
  readonly now?: () => number
  /** From 0 to 1. */
  readonly random?: () => number
}

export function createProviderPauses({ now = Date.now, random = Math.random }: ProviderPauseOptions = {}): ProviderPauses {
  const until = new Map<string, number>()
  return {
    report: (last, retry) => {
      if (!passesOver(last)) return null
      // Full jitter: many trials that broke together must not come back together.
      const backOffMs = random() * Math.min(providerPauseMsMax, providerRetryMs * 2 ** (retry - 1))
      const asked = readRetryAfter(last, now())
      const ms = Math.min(providerPauseMsMax, asked === null ? backOffMs : asked + random() * providerRetryMs)
      const provider = last.route ?? 'default'
      const slowsAll = asked !== null || last.status === 429 || last.status === 529
      if (slowsAll) until.set(provider, Math.max(until.get(provider) ?? 0, now() + (asked ?? ms)))
      return ms
    },
    waitMs: () => Math.max(0, ...[...until.values()].map(at => at - now())),
  }
}

/** A wrong key or an unknown model stays wrong; a limit, an outage and a cut line pass over. */
function passesOver(last: Exchange): boolean {
  if (last.outcome === 'upstream-cut' || last.outcome === 'upstream-refused' || last.outcome === 'timed-out') return true
  return last.outcome === 'complete' && last.status !== null && (last.status === 429 || last.status >= 500)
}

/** Seconds or a date, as HTTP has it; some providers say milliseconds under a name of their own. */
function readRetryAfter(last: Exchange, at: number): number | null {
  const find = (name: string): string | null => last.responseHeaders?.find(([key]) => key.toLowerCase() === name)?.[1] ?? null
  const ms = Number(find('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(ms) && ms >= 0) return ms
  const text = find('retry-after')
  if (text === null || text.trim() === '') return null
  const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - at
  return Number.isFinite(value) ? Math.max(0, value) : null
}
