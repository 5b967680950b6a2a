// Tokens and cost of calls as ATIF's metrics, and back. ATIF counts cached tokens as part of the prompt; what it has no field for (cache
// writes, reasoning, the provider's own figures) stands in `extra`. Never a number that is not known: unknown is absent, never 0.

import type { Json, JsonObject, Usage } from '../../core/types.ts'
import { sumKnown, sumPrompt, sumWritten } from '../../core/usage.ts'
import { countOf, defined, isList, isObject, objectOf, textOf } from '../../protocols/_json.ts'
import type { FailedCall, StepTokens, Trajectory } from '../trajectory.ts'
import { readCounts, writeCounts } from './_usage-counts.ts'

/** Usage read from a document of another writer; its own metrics are in `raw`. */
export const foreignMapping = 'atif/1'

/** What a call used, as a step or a failed call has it. */
interface Spent {
  readonly usage: Usage | null
  readonly costNanoUsd: number | null
}

export function writeMetrics({ usage, costNanoUsd }: Spent, tokens: StepTokens | null): JsonObject | undefined {
  const foreign = usage?.mapping === foreignMapping ? objectOf(usage.raw) : {}
  const logprobs = tokens?.logprobs ?? null
  const isWhole = logprobs !== null && !logprobs.includes(null)
  const extra = defined({
    cache_write_tokens: sumWritten(usage) ?? undefined,
    reasoning_tokens: usage?.reasoning ?? undefined,
    // A list of numbers cannot say that one of them is not known.
    logprobs: logprobs === null || isWhole ? undefined : logprobs,
    cost_nano_usd: costNanoUsd ?? undefined,
    usage: usage === null ? undefined : writeUsage(usage),
  })
  const metrics = defined({
    prompt_tokens: sumPrompt(usage) ?? undefined,
    completion_tokens: usage?.output ?? undefined,
    cached_tokens: usage?.cachedRead ?? undefined,
    cost_usd: costNanoUsd === null ? undefined : costNanoUsd / 1e9,
    prompt_token_ids: foreign['prompt_token_ids'],
    completion_token_ids: tokens?.ids ?? foreign['completion_token_ids'],
    logprobs: isWhole ? logprobs : foreign['logprobs'],
    extra: Object.keys(extra).length === 0 ? undefined : extra,
  })
  return Object.keys(metrics).length === 0 ? undefined : metrics
}

export function writeUsage(usage: Usage): JsonObject {
  return {
    ...writeCounts(usage),
    server_tools: usage.serverTools,
    service_tier: usage.serviceTier,
    source: usage.source,
    inconsistent: usage.inconsistent,
    mapping: usage.mapping,
    raw: usage.raw,
  }
}

export function readUsage(value: Json | undefined): Usage | null {
  if (!isObject(value)) return null
  const { source } = value
  return {
    ...readCounts(value),
    serverTools: objectOf(value['server_tools']) as Readonly<Record<string, number>>,
    serviceTier: textOf(value['service_tier']),
    source: source === 'wire' || source === 'wire-partial' ? source : 'none',
    inconsistent: value['inconsistent'] === true,
    raw: value['raw'] ?? null,
    mapping: textOf(value['mapping']) ?? foreignMapping,
  }
}

/** Of a step of another writer. `cached_tokens` above `prompt_tokens` contradicts the format: kept so that the sums stay, and marked. */
export function readForeignMetrics(metrics: Json | undefined): Spent & { readonly tokens: StepTokens | null } {
  if (!isObject(metrics)) return { usage: null, costNanoUsd: null, tokens: null }
  const prompt = countOf(metrics['prompt_tokens'])
  const cached = countOf(metrics['cached_tokens'])
  const cost = countOf(metrics['cost_usd'])
  const usage: Usage = {
    input: prompt === null ? null : prompt - (cached ?? 0),
    cachedRead: cached,
    cachedWrite5m: null,
    cachedWrite1h: null,
    cachedWriteOther: null,
    output: countOf(metrics['completion_tokens']),
    reasoning: null,
    serverTools: {},
    serviceTier: null,
    source: 'wire',
    inconsistent: prompt !== null && cached !== null && cached > prompt,
    raw: metrics,
    mapping: foreignMapping,
  }
  return { usage, costNanoUsd: cost === null ? null : Math.round(cost * 1e9), tokens: readTokens(metrics) }
}

export function readTokens(metrics: JsonObject): StepTokens | null {
  const ids = metrics['completion_token_ids']
  if (!isList(ids)) return null
  const logprobs = metrics['logprobs'] ?? objectOf(metrics['extra'])['logprobs']
  return { ids: ids as readonly number[], logprobs: isList(logprobs) ? (logprobs as ReadonlyArray<number | null>) : null }
}

export interface Totals {
  readonly generated: readonly Spent[]
  /** What generated nothing. */
  readonly failed: readonly Spent[]
}

export function joinTotals(totals: readonly Totals[]): Totals {
  return { generated: totals.flatMap(({ generated }) => generated), failed: totals.flatMap(({ failed }) => failed) }
}

export function listSpent({ steps, failed }: Trajectory): Totals {
  return { generated: steps.flatMap(step => (step.generation === null ? [] : [step.generation])), failed }
}

/** A total is given when something of it is known; `extra` says how many calls it leaves out. */
export function writeFinalMetrics({ generated, failed }: Totals, steps: number | undefined, foreign: JsonObject): JsonObject {
  const spent = [...generated, ...failed]
  const usages = spent.map(({ usage }) => usage)
  const sum = (read: (usage: Usage | null) => number | null): number | undefined => sumKnown(usages.map(read)) ?? undefined
  const cost = sumKnown(spent.map(({ costNanoUsd }) => costNanoUsd))
  // A call that generated nothing and reported no usage was most likely not billed; it does not make the total unknown.
  const billed = [...generated, ...failed.filter(call => call.usage !== null)]
  const costUnknown = billed.filter(({ costNanoUsd }) => costNanoUsd === null).length
  return {
    ...defined({
      total_prompt_tokens: sum(sumPrompt),
      total_completion_tokens: sum(usage => usage?.output ?? null),
      total_cached_tokens: sum(usage => usage?.cachedRead ?? null),
      // A sum that leaves calls out is no total.
      total_cost_usd: cost === null || costUnknown > 0 ? undefined : cost / 1e9,
      total_steps: steps,
      ...foreign,
    }),
    extra: defined({
      calls: spent.length,
      failed_calls: failed.length,
      calls_without_usage: usages.filter(usage => usage === null).length,
      calls_without_cost: costUnknown,
      cost_usd_of_the_others: cost === null || costUnknown === 0 ? undefined : cost / 1e9,
      cache_write_tokens: sum(sumWritten),
      reasoning_tokens: sum(usage => usage?.reasoning ?? null),
      ...objectOf(foreign['extra']),
    }),
  }
}

export function writeFailed(call: FailedCall): JsonObject {
  return defined({
    call_id: call.callId,
    usage: call.usage === null ? undefined : writeUsage(call.usage),
    cost_nano_usd: call.costNanoUsd ?? undefined,
    started_at: call.startedAt,
    ended_at: call.endedAt,
    model: call.model,
    status: call.status,
    error: call.error,
  })
}

export function readFailed(value: Json): FailedCall {
  const { call_id: callId, usage, cost_nano_usd: cost, started_at: startedAt, ended_at: endedAt, ...rest } = objectOf(value)
  const { error, model, status } = rest
  return {
    callId: textOf(callId) ?? '',
    usage: readUsage(usage),
    costNanoUsd: countOf(cost),
    ...(typeof startedAt === 'number' ? { startedAt } : {}),
    ...(endedAt === undefined ? {} : { endedAt: countOf(endedAt) }),
    ...(model === undefined ? {} : { model: textOf(model) }),
    ...(status === undefined ? {} : { status: countOf(status) }),
    ...(error === undefined ? {} : { error: error as FailedCall['error'] & object }),
  }
}
