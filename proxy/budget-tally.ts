// What a scope has spent: calls, tokens by class, cost. Pure arithmetic, the same as the costs of a report make over recorded calls
// (a test holds the two together): what the provider did not say is counted as unknown, never as 0 and never estimated.

import type { Answer, Usage } from '../core/types.ts'
import { sumPrompt, sumWritten } from '../core/usage.ts'

export interface Tally {
  /** Requests for an answer of a model, whatever came of them, but for those that a budget refused. */
  calls: number
  readonly tokens: { input: number; cachedRead: number; cachedWrite: number; output: number }
  /** Answers whose provider gave no figure for input or output: the tokens are a lower bound. */
  unknownCalls: number
  /** Of these, answers that ended properly: a budget of tokens cannot be held over such a provider. */
  uncountedCalls: number
  /** Answers that broke off: the input side is known, the output only as far as the provider had said it. */
  partialCalls: number
  nanoUsd: number
  pricedCalls: number
  /** Answers without a price: the cost is a lower bound. */
  unpricedCalls: number
  /** Models that answered in full and have no price. */
  readonly unpricedModels: Set<string>
}

/** One call as it is charged. `failed`: nothing was generated and nothing is billed. */
export interface Charge {
  readonly model: string | null
  readonly usage: Usage | null
  readonly failed: boolean
  readonly complete: boolean
  /** null = the price is not known. */
  readonly nanoUsd: number | null
}

export function openTally(): Tally {
  return {
    calls: 0,
    tokens: { input: 0, cachedRead: 0, cachedWrite: 0, output: 0 },
    unknownCalls: 0,
    uncountedCalls: 0,
    partialCalls: 0,
    nanoUsd: 0,
    pricedCalls: 0,
    unpricedCalls: 0,
    unpricedModels: new Set(),
  }
}

/** The call itself is counted when it is admitted; this is what its answer used. */
export function addCharge(tally: Tally, charge: Charge): void {
  const { usage } = charge
  if (charge.failed) return
  const unknown = usage === null || usage.input === null || usage.output === null
  if (unknown) tally.unknownCalls += 1
  if (unknown && charge.complete) tally.uncountedCalls += 1
  if (!charge.complete) tally.partialCalls += 1
  const { tokens } = tally
  tokens.input += usage?.input ?? 0
  tokens.cachedRead += usage?.cachedRead ?? 0
  tokens.cachedWrite += sumWritten(usage) ?? 0
  tokens.output += usage?.output ?? 0
  if (charge.nanoUsd !== null) {
    tally.nanoUsd += charge.nanoUsd
    tally.pricedCalls += 1
    return
  }
  tally.unpricedCalls += 1
  if (charge.complete) tally.unpricedModels.add(charge.model ?? '(no model)')
}

export function addTally(into: Tally, from: Tally): void {
  into.calls += from.calls
  into.tokens.input += from.tokens.input
  into.tokens.cachedRead += from.tokens.cachedRead
  into.tokens.cachedWrite += from.tokens.cachedWrite
  into.tokens.output += from.tokens.output
  into.unknownCalls += from.unknownCalls
  into.uncountedCalls += from.uncountedCalls
  into.partialCalls += from.partialCalls
  into.nanoUsd += from.nanoUsd
  into.pricedCalls += from.pricedCalls
  into.unpricedCalls += from.unpricedCalls
  for (const model of from.unpricedModels) into.unpricedModels.add(model)
}

/** All tokens a call is known to have used. */
export function tokensOf(usage: Usage | null): number {
  return (sumPrompt(usage) ?? 0) + (usage?.output ?? 0)
}

export function sumTokens({ tokens }: Tally): number {
  return tokens.input + tokens.cachedRead + tokens.cachedWrite + tokens.output
}

export interface AnswerEnd {
  readonly status: number | null
  /** It did not end as it should: a cut, an abort. */
  readonly broken: boolean
  readonly modelAsked: string | null
}

/** What an answer is charged as. Which answers count as failed is decided as in decoded calls. */
export function chargeOf(
  answer: Answer | null,
  end: AnswerEnd,
  price: (model: string | null, usage: Usage) => number | null,
): Charge {
  const usage = answer?.usage ?? null
  const model = answer?.model ?? end.modelAsked
  const generated = answer !== null && answer.message.blocks.length > 0
  const wrong = answer === null || answer.error !== null || (!generated && (end.broken || (end.status ?? 0) >= 400))
  return {
    model,
    usage,
    failed: usage === null && wrong,
    complete: answer?.complete ?? false,
    nanoUsd: usage === null ? null : price(model, usage),
  }
}
