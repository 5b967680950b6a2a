import { describe, expect, it } from 'vitest'
import type { Conversation } from '../../../core/types.ts'
import { answerSideCall } from '../../../scenarios/simulated/side-calls.ts'

function conversation(options: { user: string; system?: string; tools?: boolean; maxTokens?: number }): Conversation {
  return {
    model: 'm',
    stream: true,
    system: options.system === undefined ? [] : [{ kind: 'text', text: options.system }],
    messages: [{ role: 'user', blocks: [{ kind: 'text', text: options.user }] }],
    tools: options.tools ? [{ name: 'bash', description: '', schema: {}, raw: {} }] : [],
    maxTokens: options.maxTokens ?? null,
    temperature: null,
    extra: {},
  }
}

describe('answerSideCall', () => {
  it.each([
    ['a title asked for by the user text', { user: 'Generate a title for this conversation:' }],
    ['a title asked for by the system prompt', { user: 'build a house', system: 'You are a title generator.' }],
    ['a probe with room for one token', { user: 'quota', maxTokens: 1 }],
    ['compaction with all tools', { user: 'Respond with TEXT ONLY. Write a <summary>.', tools: true }],
    ['a suggestion with all tools', { user: '[SUGGESTION MODE: what next]', tools: true }],
    ['compaction of Codex, with tools', { user: 'You are performing a CONTEXT CHECKPOINT COMPACTION. Go.', tools: true }],
    ['memory extraction with tools', { user: 'go', system: 'You do memory extraction now.', tools: true }],
  ])('%s is one', (_what, options) => {
    expect(answerSideCall(conversation(options))).toEqual(expect.stringMatching(/simulated/i))
  })

  it.each([
    ['an instruction with tools', { user: 'build a house', tools: true }],
    ['an instruction that speaks of titles, with tools', { user: 'generate a title page', tools: true }],
    ['a plain question without tools', { user: 'why is the sky blue?' }],
    ['little room but tools', { user: 'go on', tools: true, maxTokens: 16 }],
  ])('%s is none', (_what, options) => {
    expect(answerSideCall(conversation(options))).toBeNull()
  })
})
