// Turns a plan into a provider's answer: ids, stop word and usage of the dialect asked for. Pure but for the prompt memory it is
// handed. Every figure is an estimate or a script's override; nothing in an answer pretends to come from a real provider.

import type { Answer, Block, JsonObject, Usage } from '../../core/types.ts'
import type { Plan } from './brain.ts'
import type { Dialect } from './dialect.ts'
import { estimateTokens, type PromptEstimate, type PromptMemory } from './usage.ts'

/** `body` is the request as sent: cache marks are the wire's, not the canonical form's. */
export function writeAnswer(plan: Plan, model: string, dialect: Dialect, body: JsonObject, memory: PromptMemory): Answer {
  return {
    id: dialect.answerIdPrefix + plan.digest.slice(0, 24),
    model,
    message: { role: 'assistant', blocks: plan.blocks.map(block => finishBlock(block, dialect)) },
    stopReason: dialect.stopWords[plan.stop],
    usage: estimateUsage(plan, dialect, dialect.estimatePrompt(body, memory, model)),
    complete: true,
    error: null,
  }
}

function finishBlock(block: Block, dialect: Dialect): Block {
  if (block.kind === 'tool-call') return { ...block, id: dialect.callIdPrefix + block.id }
  // Clients send a signature back unread; this one says what it is, so that no provider and no reader takes it for real.
  return block.kind === 'thinking' && dialect.signsThinking
    ? { ...block, signature: 'simulated-signature-of-no-provider' }
    : block
}

function estimateUsage(plan: Plan, dialect: Dialect, prompt: PromptEstimate): Usage {
  const thinking = plan.blocks.filter(block => block.kind === 'thinking')
  const given = plan.usage
  const cachedWrite5m = given?.cachedWrite ?? prompt.cachedWrite5m
  return {
    input: given?.input ?? prompt.input,
    cachedRead: given?.cachedRead ?? prompt.cachedRead,
    cachedWrite5m: dialect.reportsCacheWrites ? cachedWrite5m : null,
    cachedWrite1h: dialect.reportsCacheWrites ? (given?.cachedWrite == null ? prompt.cachedWrite1h : 0) : null,
    cachedWriteOther: null,
    output: given?.output ?? Math.max(1, countTokens(plan.blocks)),
    reasoning: dialect.reportsCacheWrites ? null : Math.min(countTokens(thinking), given?.output ?? Number.POSITIVE_INFINITY),
    serverTools: {},
    serviceTier: null,
    source: 'wire',
    inconsistent: false,
    raw: null,
    mapping: 'simulated/1',
  }
}

function countTokens(blocks: readonly Block[]): number {
  return estimateTokens(blocks.reduce((bytes, block) => bytes + Buffer.byteLength(textOf(block)), 0))
}

function textOf(block: Block): string {
  if (block.kind === 'tool-call') return block.name + block.inputText
  return block.kind === 'text' || block.kind === 'thinking' ? block.text : ''
}
