// Trajectories for the tests of formats: one with every kind of block, and an arbitrary one of any shape a policy may build.

import fc from 'fast-check'
import type { OutputFormat } from '../../../convert/formats/_adapter.ts'
import type { ScopeInfo } from '../../../convert/sources/source.ts'
import type { Boundary, Generation, Trajectory, TrajectorySet, TrajectoryStep } from '../../../convert/trajectory.ts'
import type { Block, Json, JsonObject, Message, ToolDefinition } from '../../../core/types.ts'
import { usage } from '../script.ts'

export const scope: ScopeInfo = {
  kind: 'trial',
  id: '01SCOPE',
  name: 'task.agent.1',
  runId: '01RUN',
  task: 'task',
  agent: { name: 'agent', version: null },
  score: 0.5,
}

export const text = (value: string): Block => ({ kind: 'text', text: value })
export const image: Block = { kind: 'image', mediaType: 'image/png', data: 'aGk=' }
export const webImage: Block = { kind: 'image', mediaType: 'url', data: 'https://images.test/a.png' }
export const document: Block = {
  kind: 'opaque',
  type: 'document',
  raw: { type: 'document', source: { type: 'text', data: 'page' } },
}
export const signed: Block = { kind: 'thinking', text: 'First thought.', signature: 'sig-1' }
export const redacted: Block = { kind: 'thinking', text: '', redacted: 'ZW5jcnlwdGVk' }
export const refusal: Block = { kind: 'refusal', text: 'I will not.' }

export function call(id: string, name: string, inputText: string): Block {
  let input: Json = null
  try {
    input = JSON.parse(inputText) as Json
  } catch {}
  return { kind: 'tool-call', id, name, input, inputText }
}

export function result(callId: string, content: readonly Block[], isError = false): Block {
  return { kind: 'tool-result', callId, content, isError }
}

export const say = (role: Message['role'], ...blocks: readonly Block[]): Message => ({ role, blocks })

export function generation(callId: string, changes: Partial<Generation> = {}): Generation {
  return {
    callId,
    turn: 1,
    attempt: 2,
    model: 'model-a-1',
    startedAt: 1000.25,
    endedAt: 1002.5,
    answerId: 'answer-1',
    stopReason: 'end_turn',
    usage: usage(100, 10, 50),
    costNanoUsd: 1234,
    partial: false,
    unresolvedRetry: false,
    loggedTimes: 1,
    ...changes,
  }
}

export function step(
  message: Message,
  generated: Generation | null = null,
  changes: Partial<TrajectoryStep> = {},
): TrajectoryStep {
  return { message, generation: generated, copied: false, tokens: null, ...changes }
}

export const bash: ToolDefinition = {
  name: 'bash',
  description: 'Runs a command.',
  schema: {
    type: 'object',
    properties: { command: { type: 'string' } },
    required: ['command'],
    additionalProperties: false,
    $defs: { path: { enum: ['/a'] } },
  },
  raw: null,
}
export const webSearch: ToolDefinition = {
  name: 'web_search',
  description: '',
  schema: null,
  raw: { type: 'web_search_20250305', name: 'web_search', max_uses: 3 },
}

export function trajectory(steps: readonly TrajectoryStep[], changes: Partial<Trajectory> = {}): Trajectory {
  return {
    id: 'c1',
    policy: 'readable',
    kind: 'root',
    side: null,
    lane: 'c1',
    parent: null,
    protocol: 'anthropic-messages',
    model: 'model-a-1',
    maxTokens: 1000,
    metadata: { user_id: 'u1' },
    system: [{ kind: 'text', text: 'You are a test.', extra: { cache_control: { type: 'ephemeral' } } }, text('Be brief.')],
    tools: [bash],
    steps,
    boundaries: [],
    breakReason: null,
    approximate: false,
    failed: [],
    ...changes,
  }
}

export function setOf(...trajectories: readonly Trajectory[]): TrajectorySet {
  return { scope, policy: trajectories[0]?.policy ?? 'readable', trajectories }
}

/** Of a trajectory alone; empty where the format has no row for it. */
export function firstRow(format: Pick<OutputFormat, 'write'>, one: Trajectory): JsonObject {
  const [row] = [...format.write(setOf(one))]
  return row ?? {}
}

const boundaries: readonly Boundary[] = [
  {
    callId: 'c2',
    step: 5,
    type: 'edit',
    boundary: 'append',
    edits: [
      { kind: 'text-changed', block: text('Look') },
      { kind: 'text-dropped', block: null },
    ],
    preamble: null,
  },
  {
    callId: 'c2',
    step: 5,
    type: 'preamble',
    boundary: 'replace',
    edits: [],
    preamble: { system: [text('Now long.')], tools: [bash, webSearch] },
  },
  { callId: 'c3', step: 7, type: 'compaction', boundary: 'replace', edits: [], preamble: null },
]

/** Every kind of block, results with images and errors out of the order of their calls, answers of others, cut and doubtful ones. */
export const everything: Trajectory = trajectory(
  [
    step(say('user', text('Look'), image, webImage, document)),
    step(say('assistant', text('An answer nobody recorded.'), call('t0', 'bash', '{"command": "old"}'))),
    step(say('user', result('t0', []), text('and now'), text('this'))),
    step(
      say(
        'assistant',
        signed,
        redacted,
        text('First.'),
        { kind: 'thinking', text: 'Second thought.', signature: 'sig-2' },
        text('Second.'),
        { kind: 'opaque', type: 'server_tool_use', raw: { type: 'server_tool_use', id: 'srv_1' } },
        call('t1', 'bash', '{"command": "ls",  "n": 1.0}'),
        call('t2', 'edit', '{"path":"/a"}'),
      ),
      generation('c1'),
    ),
    step(say('system', text('A reminder.'))),
    step(say('user', result('t2', [text('no such'), text(' file'), image], true), result('t1', [text('x.txt')]), text('hm'))),
    step(say('assistant', refusal), generation('c2', { stopReason: 'refusal', usage: null, costNanoUsd: null })),
    step(say('user', text('Summary of it all.')), null, { copied: true }),
    step(say('assistant', text('Maybe.')), generation('c3', { unresolvedRetry: true })),
    step(say('user', text('go on'))),
    step(say('assistant', call('t3', 'bash', '{"command": "l')), generation('c4', { partial: true, stopReason: null })),
  ],
  {
    tools: [bash, webSearch],
    boundaries,
    parent: { callId: 'c0', relation: 'subagent', link: 'textual', via: 'toolu_9' },
    failed: [
      { callId: 'f1', usage: usage(3, 0), costNanoUsd: 9 },
      { callId: 'f2', usage: null, costNanoUsd: null },
    ],
  },
)

const words = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', ' ', '\n', '"', '{', 'é', '😀', '<') })
const anyText = words.map(text)
const leaf: fc.Arbitrary<Block> = fc.oneof(
  { weight: 4, arbitrary: anyText },
  fc.constantFrom(image, webImage, document, {
    kind: 'text',
    text: 'x',
    extra: { cache_control: { type: 'ephemeral' } },
  } as const),
)
const anyResult = fc
  .tuple(fc.constantFrom('t1', 't2', 'call/0', ''), fc.array(leaf, { maxLength: 3 }), fc.boolean())
  .map(([id, content, isError]) => result(id, content, isError))
const anyCall = fc
  .tuple(
    fc.constantFrom('t1', 't2', 'call/0', ''),
    fc.constantFrom('bash', 'edit'),
    fc.oneof(
      fc.json({ maxDepth: 1 }),
      fc.json({ maxDepth: 1 }).map(json => `${json} `),
      words,
    ),
  )
  .map(([id, name, inputText]) => call(id, name, inputText))
const spoken: fc.Arbitrary<Block> = fc.oneof(
  { weight: 3, arbitrary: anyText },
  { weight: 2, arbitrary: anyCall },
  fc.constantFrom(
    signed,
    redacted,
    refusal,
    { kind: 'refusal', text: '' } as const,
    { kind: 'thinking', text: 'unsigned' } as const,
  ),
  fc.constantFrom(image, document, { kind: 'opaque', type: 'web_search_tool_result', raw: ['odd'] } as const),
)
const asked: fc.Arbitrary<Message> = fc
  .tuple(
    fc.constantFrom('user' as const, 'user' as const, 'system' as const),
    fc.array(fc.oneof(leaf, anyResult), { maxLength: 4 }),
  )
  .map(([role, blocks]) => say(role, ...blocks))
const answered: fc.Arbitrary<Message> = fc.array(spoken, { maxLength: 6 }).map(blocks => say('assistant', ...blocks))

interface Draft {
  readonly message: Message
  readonly state: 'context' | 'copied' | 'generated' | 'partial' | 'unresolved'
}
const drafts: fc.Arbitrary<readonly Draft[]> = fc.array(
  fc.oneof(
    fc.record({ message: asked, state: fc.constantFrom('context' as const, 'copied' as const) }),
    fc.record({
      message: answered,
      state: fc.constantFrom('context' as const, 'copied', 'generated', 'generated', 'partial', 'unresolved'),
    }),
  ),
  { maxLength: 8 },
)

/** Any steps in any order: more than policies build, nothing they do not. */
export const anyTrajectory: fc.Arbitrary<Trajectory> = fc
  .record({
    drafts,
    protocol: fc.constantFrom('anthropic-messages', 'openai-chat', 'openai-responses'),
    system: fc.array(leaf, { maxLength: 2 }),
    tools: fc.subarray([bash, webSearch]),
    boundaries: fc.array(fc.tuple(fc.nat(), fc.constantFrom(...boundaries)), { maxLength: 2 }),
    changes: fc.constantFrom<Partial<Trajectory>>(
      {},
      { kind: 'segment', breakReason: 'compaction', policy: 'exact' },
      { kind: 'side', side: 'title', metadata: null, maxTokens: null, model: null },
      { metadata: { kind: 'mine', n: 1 }, parent: everything.parent, failed: everything.failed, approximate: true },
    ),
  })
  .map(({ drafts, boundaries: some, changes, ...rest }) => {
    const steps = drafts.map(({ message, state }, index) => {
      const changed = { partial: state === 'partial', unresolvedRetry: state === 'unresolved' }
      const isGenerated = state !== 'context' && state !== 'copied'
      return step(message, isGenerated ? generation(`c${index}`, changed) : null, { copied: state === 'copied' })
    })
    const placed = some.map(([place, boundary]) => ({ ...boundary, step: steps.length === 0 ? 0 : place % steps.length }))
    return trajectory(steps, { ...rest, boundaries: placed, ...changes })
  })
