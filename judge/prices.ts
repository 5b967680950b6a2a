// One call's cost: usage times price book, in integer nano-dollars, or null when any part of it is not known.
// Pure. Null is never 0: an unlisted model, an unlisted class with tokens, a cut stream or an odd service tier is unpriced.

import type { EpochMs, Json, Usage } from '../core/types.ts'
import { type PriceBook, type PriceEntry, type Rates, type TokenClass, tokenClasses } from './price-book.ts'

export interface PriceRequest {
  /** The model the provider says answered, else the one that was asked for. */
  readonly model: string | null
  /** Provider of the route; null matches any provider that lists the model. */
  readonly provider?: string | null
  readonly usage: Usage | null
  readonly at: EpochMs
}

export interface PricedCall {
  readonly nanoUsd: number
  readonly version: string
}

export function priceUsage(book: PriceBook, request: PriceRequest): PricedCall | null {
  const { usage, model } = request
  if (usage === null || model === null || usage.source !== 'wire' || usage.inconsistent) return null
  const entry = findEntry(book, model, request.provider ?? null, request.at)
  if (entry === null) return null
  const tokens = readTokens(usage)
  const context = tokens.input + tokens.cached_read + tokens.cached_write_5m + tokens.cached_write_1h + tokens.cached_write_other
  if (usage.input === null || usage.output === null || context > entry.contextMax) return null
  const factor = readFactor(entry, usage)
  const tokenPico = sumTokens(tokens, chooseRates(entry, context))
  const toolPico = sumTools(entry, usage.serverTools)
  if (factor === null || tokenPico === null || toolPico === null) return null
  // Thousandths of pico-dollars to nano-dollars, half up, once per call.
  const total = tokenPico * BigInt(factor) + toolPico * 1000n
  return { nanoUsd: Number((total + 500_000n) / 1_000_000n), version: book.version }
}

/** The entry whose pattern names the model most exactly, among those in force at the time. */
export function findEntry(book: PriceBook, model: string, provider: string | null, at: EpochMs): PriceEntry | null {
  let best: PriceEntry | null = null
  let bestLength = -1
  for (const entry of book.entries) {
    if ((provider !== null && entry.provider !== provider) || at < entry.from || at >= entry.to) continue
    for (const pattern of entry.models) {
      const literal = pattern.replaceAll(/[*?]/g, '').length
      if (literal > bestLength && matchPattern(pattern, model)) {
        best = entry
        bestLength = literal
      }
    }
  }
  return best
}

function matchPattern(pattern: string, model: string): boolean {
  if (pattern === model) return true
  if (!/[*?]/.test(pattern)) return false
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(model)
}

/** The tier is decided by the request's whole context and holds for every class. */
function chooseRates(entry: PriceEntry, context: number): Rates {
  return entry.tiers.findLast(tier => context > tier.contextOver)?.rates ?? entry.rates
}

/** A class the provider does not report is a class it does not bill apart. */
function readTokens(usage: Usage): Record<TokenClass, number> {
  return {
    input: usage.input ?? 0,
    cached_read: usage.cachedRead ?? 0,
    cached_write_5m: usage.cachedWrite5m ?? 0,
    cached_write_1h: usage.cachedWrite1h ?? 0,
    cached_write_other: usage.cachedWriteOther ?? 0,
    output: usage.output ?? 0,
  }
}

function sumTokens(tokens: Record<TokenClass, number>, rates: Rates): bigint | null {
  let sum = 0n
  for (const name of tokenClasses) {
    if (tokens[name] === 0) continue
    const rate = rates[name]
    if (rate === undefined || !Number.isInteger(tokens[name]) || tokens[name] < 0) return null
    sum += BigInt(tokens[name]) * BigInt(rate)
  }
  return sum
}

function sumTools(entry: PriceEntry, used: Readonly<Record<string, number>>): bigint | null {
  let sum = 0n
  for (const [tool, count] of Object.entries(used)) {
    if (count === 0) continue
    const rate = entry.serverTools[tool]
    if (rate === undefined || !Number.isInteger(count) || count < 0) return null
    sum += BigInt(count) * BigInt(rate)
  }
  return sum
}

/** Service tier in thousandths. Faster modes and regional inference carry surcharges the book does not list: unpriced. */
function readFactor(entry: PriceEntry, usage: Usage): number | null {
  const raw = usage.raw
  if (readField(raw, 'speed') === 'fast') return null
  const region = readField(raw, 'inference_geo')
  if (typeof region === 'string' && !['', 'global', 'not_available'].includes(region)) return null
  const tier = usage.serviceTier
  return tier === null || tier === 'auto' ? 1000 : (entry.serviceTiers[tier] ?? null)
}

function readField(raw: Json, key: string): Json | undefined {
  return raw !== null && typeof raw === 'object' && !Array.isArray(raw)
    ? (raw as { readonly [key: string]: Json })[key]
    : undefined
}
