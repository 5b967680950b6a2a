import { describe, expect, it } from 'vitest'
import type { Block, Conversation, Message, ToolDefinition } from '../../../core/types.ts'
import { type BrainState, faultKey, type Plan, planAnswer } from '../../../scenarios/simulated/brain.ts'
import { parseScript } from '../../../scenarios/simulated/script.ts'

const text = (value: string): Block => ({ kind: 'text', text: value })
const user = (value: string): Message => ({ role: 'user', blocks: [text(value)] })
const assistant: Message = { role: 'assistant', blocks: [text('ok')] }
const result: Message = { role: 'user', blocks: [{ kind: 'tool-result', callId: 'c', content: [], isError: false }] }
const bash: ToolDefinition = {
  name: 'Bash',
  description: '',
  schema: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] },
  raw: {},
}
const fresh: BrainState = { faultsStruck: new Map() }

function ask(messages: Message[], options: { tools?: ToolDefinition[]; model?: string } = {}): Conversation {
  const { tools = [bash], model = 'm' } = options
  return { model, stream: false, system: [], messages, tools, maxTokens: null, temperature: null, extra: {} }
}

const textOf = (plan: Plan) => plan.blocks.map(block => (block.kind === 'text' ? block.text : `<${block.kind}>`)).join(' ')
const callsOf = (plan: Plan) => plan.blocks.flatMap(block => (block.kind === 'tool-call' ? [[block.name, block.input]] : []))

describe('without a script', () => {
  it('runs one harmless command, then says that it is simulated', () => {
    const first = planAnswer(ask([user('build')]), null, 1, fresh)
    expect(callsOf(first)).toEqual([['Bash', { command: 'pwd && ls' }]])
    expect(first.stop).toBe('tool_use')
    const second = planAnswer(ask([user('build'), assistant, result]), null, 1, fresh)
    expect(callsOf(second)).toEqual([])
    expect(second.stop).toBe('end_turn')
    expect(textOf(second)).toContain('simulated')
  })

  it('answers in text when no shell tool is offered', () => {
    const plan = planAnswer(ask([user('build')], { tools: [] }), null, 1, fresh)
    expect(callsOf(plan)).toEqual([])
    expect(textOf(plan)).toContain('simulated')
    expect(plan.stop).toBe('end_turn')
  })

  it('starts again with every instruction', () => {
    const plan = planAnswer(ask([user('build'), assistant, result, assistant, user('more')]), null, 1, fresh)
    expect(callsOf(plan)).toHaveLength(1)
  })
})

const script = parseScript(
  `
version: 1
rules:
  - when: { user: ^build, feedback: true, nth: 2 }
    steps: [{ text: second repair }]
  - when: { user: ^build, feedback: true }
    steps: [{ text: first repair }]
  - when: { user: ^build, model: special }
    steps: [{ text: special }]
  - when: { user: ^build }
    steps:
      - { thinking: hm, text: first, shell: make }
      - tools: [{ name: bash, input: { command: a } }, { name: Unknown, input: { x: 1 } }]
      - text: last
  - when: { feedback: false, nth: 3 }
    steps: [{ text: third }]
  - when: { user: paint }
    steps: [{ text: painted, stop: max_tokens, usage: { output: 7 }, delay_ms: 9 }]
`,
  'script.yaml',
)
const failed = user('The tests for this turn failed: 1 of 2.\n\nFAILED paint is blue')

describe('with a script', () => {
  const plan = (messages: Message[], options = {}) => planAnswer(ask(messages, options), script, 1, fresh)

  it('takes the first rule that matches', () => {
    expect(textOf(plan([user('build a house')]))).toContain('first')
    expect(textOf(plan([user('build a house')], { model: 'special-1' }))).toBe('special')
    expect(plan([user('build a house')]).rule).toBe(3)
    expect(plan([user('nothing of it')]).rule).toBe(-1)
  })

  it('takes one step per model call', () => {
    const begun = [user('build'), assistant, result]
    expect(plan([user('build')])).toMatchObject({ step: 0, stop: 'tool_use' })
    expect(plan([user('build')]).blocks.map(block => block.kind)).toEqual(['thinking', 'text', 'tool-call'])
    expect(plan(begun).step).toBe(1)
    expect(textOf(plan([...begun, assistant, result]))).toBe('last')
    expect(textOf(plan([...begun, assistant, result, assistant, result, assistant, result]))).toBe('last')
  })

  it('calls tools by the names that are offered, several at once', () => {
    const second = plan([user('build'), assistant, result])
    expect(callsOf(second)).toEqual([
      ['Bash', { command: 'a' }],
      ['Unknown', { x: 1 }],
    ])
    const ids = second.blocks.flatMap(block => (block.kind === 'tool-call' ? [block.id] : []))
    expect(new Set(ids).size).toBe(2)
  })

  it('tells feedback from a first try, and the second feedback from the first', () => {
    expect(textOf(plan([user('build'), assistant, failed]))).toBe('first repair')
    expect(textOf(plan([user('build'), assistant, failed, assistant, failed]))).toBe('second repair')
    expect(textOf(plan([user('build'), assistant, failed, assistant, failed, assistant, failed]))).toBe('first repair')
  })

  it('does not take the names of failing tests for an instruction', () => {
    expect(textOf(plan([user('paint it'), assistant, user('build it'), assistant, failed]))).toBe('first repair')
  })

  it('counts instructions that fit for nth', () => {
    expect(textOf(plan([user('a'), assistant, failed, assistant, user('b'), assistant, user('c')]))).toBe('third')
  })

  it('passes on stop, usage and pace', () => {
    expect(plan([user('paint')])).toMatchObject({
      stop: 'max_tokens',
      usage: { input: null, output: 7 },
      pace: { delayMs: 9, chunkChars: 24 },
    })
  })

  it('gives side calls no step', () => {
    const title = plan([user('Generate a title for this conversation:'), user('build a house')], { tools: [] })
    expect([title.rule, title.step]).toEqual([-1, -1])
  })
})

describe('faults', () => {
  const faulty = parseScript('version: 1\nrules: [{ steps: [{ text: a, fault: { kind: reset, times: 2 } }] }]', 'script.yaml')

  it('strike as often as the script says', () => {
    const struck = (times: number) =>
      planAnswer(ask([user('x')]), faulty, 1, { faultsStruck: new Map([[faultKey(0, 0), times]]) }).fault
    expect([struck(0)?.kind, struck(1)?.kind, struck(2)]).toEqual(['reset', 'reset', null])
  })
})

describe('the digest that ids are made of', () => {
  const digest = (conversation: Conversation, seed = 1) => planAnswer(conversation, null, seed, fresh).digest

  it('is the same for the same request and seed, streamed or not', () => {
    expect(digest(ask([user('a')]))).toBe(digest({ ...ask([user('a')]), stream: true }))
  })

  it('differs with seed, model and messages', () => {
    const digests = [
      digest(ask([user('a')])),
      digest(ask([user('a')]), 2),
      digest(ask([user('b')])),
      digest(ask([user('a')], { model: 'n' })),
    ]
    expect(new Set(digests).size).toBe(4)
  })
})
