// Durations, amounts of tokens and money as short as a line that is redrawn wants them. Pure text.

import { formatUsd } from '../core/money.ts'

/** What a trial or a run has spent so far. */
export interface LiveFigures {
  readonly calls: number
  readonly tokens: { readonly input: number; readonly cachedRead: number; readonly cachedWrite: number; readonly output: number }
  readonly nanoUsd: number
  readonly pricedCalls: number
  readonly unpricedCalls: number
}

/** `0s`, `59s`, `1m 02s`, `3h 04m`, `2d 05h`; never negative. */
export function writeDuration(ms: number): string {
  const seconds = Math.max(0, Math.round((Number.isFinite(ms) ? ms : 0) / 1000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h ${pad(minutes % 60)}m` : `${Math.floor(hours / 24)}d ${pad(hours % 24)}h`
}

/** As clocks show it: `0:07`, `12:07`, `1:02:07`. */
export function writeStamp(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return hours === 0 ? `${minutes}:${pad(seconds % 60)}` : `${hours}:${pad(minutes)}:${pad(seconds % 60)}`
}

const pad = (value: number): string => String(value).padStart(2, '0')

/** `950`, `1.2k`, `45k`, `1.2M`. */
export function shortenCount(count: number): string {
  if (count < 1000) return String(Math.round(count))
  const units = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const
  // What rounds up to the next unit is written in it: 999,950 is 1.0M, not 1000k.
  const [size, unit] = units.find(([least]) => count >= least * 0.9995) ?? [1e3, 'k']
  const value = count / size
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)}${unit}`
}

export function tokensIn({ tokens }: LiveFigures): number {
  return tokens.input + tokens.cachedRead + tokens.cachedWrite
}

/** `45k in (80% cached)`. */
export function writeInput(figures: LiveFigures): string {
  const total = tokensIn(figures)
  const { cachedRead } = figures.tokens
  const cached = cachedRead === 0 ? '' : ` (${Math.floor((100 * cachedRead) / total)}% cached)`
  return `${shortenCount(total)} in${cached}`
}

/** `$0.0123`; `≥$0.0123` when calls without a price are among them; null when nothing is priced. */
export function writeCost({ nanoUsd, pricedCalls, unpricedCalls }: LiveFigures): string | null {
  if (pricedCalls === 0) return null
  return `${unpricedCalls === 0 ? '' : '≥'}${formatUsd(nanoUsd)}`
}
