import { describe, expect, it } from 'vitest'
import { writeAnswer } from '../../../scenarios/simulated/answer.ts'
import type { Plan } from '../../../scenarios/simulated/brain.ts'
import { anthropicDialect } from '../../../scenarios/simulated/dialect-anthropic.ts'
import { openaiDialect } from '../../../scenarios/simulated/dialect-openai.ts'
import { defaultPace } from '../../../scenarios/simulated/script.ts'
import { openPromptMemory } from '../../../scenarios/simulated/usage.ts'

const plan: Plan = {
  blocks: [
    { kind: 'thinking', text: 'x'.repeat(40) },
    { kind: 'text', text: 'y'.repeat(80) },
    { kind: 'tool-call', id: 'simulated_0_0', name: 'Bash', input: { a: 1 }, inputText: '{"a":1}' },
  ],
  stop: 'tool_use',
  usage: null,
  pace: defaultPace,
  fault: null,
  rule: 0,
  step: 0,
  digest: 'd'.repeat(64),
}
const body = { model: 'm', messages: [{ role: 'user', content: 'hi', cache_control: { type: 'ephemeral' } }] }
const write = (dialect: typeof anthropicDialect, usage: Plan['usage'] = null) =>
  writeAnswer({ ...plan, usage }, 'm', dialect, body, openPromptMemory())

describe('writeAnswer', () => {
  it('names and signs as the dialect does', () => {
    expect(write(anthropicDialect)).toMatchObject({
      id: `msg_simulated_${'d'.repeat(24)}`,
      stopReason: 'tool_use',
      message: { blocks: [{ signature: expect.stringContaining('simulated') }, {}, { id: 'toolu_simulated_0_0' }] },
    })
    const chat = write(openaiDialect)
    expect(chat).toMatchObject({ id: `chatcmpl-simulated-${'d'.repeat(24)}`, stopReason: 'tool_calls' })
    expect(chat.message.blocks[0]).not.toHaveProperty('signature')
    expect(chat.message.blocks[2]).toMatchObject({ id: 'call_simulated_0_0' })
  })

  it('estimates output from everything that was said, and says nothing a provider would not say', () => {
    // 40 + 80 + 4 + 7 bytes.
    expect(write(anthropicDialect).usage).toMatchObject({ output: 33, reasoning: null, cachedWriteOther: null })
    expect(write(openaiDialect).usage).toMatchObject({ output: 33, reasoning: 10, cachedWrite5m: null, cachedWrite1h: null })
  })

  it('takes what the script sets and estimates the rest', () => {
    const usage = write(anthropicDialect, { input: 5, cachedRead: null, cachedWrite: 9, output: null }).usage
    expect(usage).toMatchObject({ input: 5, cachedRead: 0, cachedWrite5m: 9, cachedWrite1h: 0, output: 33 })
    // Reasoning is part of the output and never more than it.
    expect(write(openaiDialect, { input: null, cachedRead: null, cachedWrite: null, output: 4 }).usage?.reasoning).toBe(4)
  })
})
