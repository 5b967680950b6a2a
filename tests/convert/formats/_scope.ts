// One small scope by hand with all that is hard: a sub-agent and its own, a compaction, a changed preamble, an edit, a retry, a cut answer,
// an image, broken arguments, results without their call, failed calls. Golden files are made from it.

import type { Boundary, FailedCall, Generation, Trajectory, TrajectorySet, TrajectoryStep } from '../../../convert/trajectory.ts'
import type { Block, Message, Usage } from '../../../core/types.ts'
import { assistant, text, toolCall, toolResult, tools, usage, user } from '../script.ts'

const startedAt = Date.parse('2026-03-01T10:00:00Z')

export function generated(message: Message, callId: string, seconds: number, more: Partial<Generation> = {}): TrajectoryStep {
  const generation: Generation = {
    callId,
    turn: 1,
    attempt: 1,
    model: 'model-a-1',
    startedAt: startedAt + seconds * 1000 + 0.25,
    endedAt: startedAt + seconds * 1000 + 900.5,
    stopReason: 'tool_use',
    usage: usage(100, 10, 40),
    costNanoUsd: 1_500_000,
    partial: false,
    unresolvedRetry: false,
    loggedTimes: 1,
    ...more,
  }
  return { message, generation, copied: false, tokens: null }
}

export function context(message: Message, copied = false): TrajectoryStep {
  return { message, generation: null, copied, tokens: null }
}

export function trajectory(id: string, steps: readonly TrajectoryStep[], more: Partial<Trajectory> = {}): Trajectory {
  return {
    id,
    policy: 'readable',
    kind: 'root',
    side: null,
    lane: id,
    parent: null,
    protocol: 'anthropic-messages',
    model: 'model-a-1',
    maxTokens: 1000,
    metadata: null,
    system: [text('You are a test.')],
    tools: [...tools, search],
    steps,
    boundaries: [],
    breakReason: null,
    approximate: false,
    failed: [],
    ...more,
  }
}

const raw = { type: 'web_search_20250305', name: 'web_search', max_uses: 3 }
const search = { name: 'web_search', description: '', schema: null, raw }

const image: Block = { kind: 'image', mediaType: 'image/png', data: 'aGk=' }
const bitmap: Block = { kind: 'image', mediaType: 'image/bmp', data: 'Qk0=' }
const opaque: Block = {
  kind: 'opaque',
  type: 'server_tool_use',
  raw: { type: 'server_tool_use', id: 'srv_1', input: { q: 'x' } },
}
const broken: Block = { kind: 'tool-call', id: 't4', name: 'bash', input: null, inputText: '{"command": "l' }
const listed: Block = { kind: 'tool-call', id: 't5', name: 'bash', input: ['ls'], inputText: '["ls"]' }
const spaced: Block = { kind: 'tool-call', id: 't6', name: 'bash', input: { command: 'ls' }, inputText: '{"command": "ls"}' }
const thought: Block = { kind: 'thinking', text: 'Which files?', signature: 'c2ln' }
const hidden: Block = { kind: 'thinking', text: '', redacted: 'ZW5j' }
const cached: Usage = { ...usage(3, 25, 900), cachedWrite5m: 200, cachedWrite1h: 0, reasoning: 12 }

const failed: FailedCall = {
  callId: 'c-fail',
  usage: null,
  costNanoUsd: null,
  startedAt: startedAt + 3000,
  endedAt: startedAt + 3100,
  model: 'model-a',
  status: 529,
  error: { type: 'overloaded_error', message: 'busy' },
}

const edit: Boundary = {
  callId: 'c3',
  step: 5,
  type: 'edit',
  boundary: 'truncate',
  edits: [
    { kind: 'text-dropped', block: null },
    { kind: 'result-changed', block: { kind: 'tool-result', callId: 't1', content: [text('(cleared)')], isError: false } },
  ],
  preamble: null,
}
const preamble: Boundary = {
  callId: 'c3',
  step: 5,
  type: 'preamble',
  boundary: 'replace',
  edits: [],
  preamble: { system: [text('You are a test, later.'), text('With two texts.')], tools: [] },
}
const compaction: Boundary = {
  callId: 'c5',
  step: 9,
  type: 'compaction',
  boundary: 'replace',
  edits: [],
  preamble: null,
  shows: 1,
}

const main = trajectory(
  'c1',
  [
    context({ role: 'user', blocks: [text('Look at this.'), image, bitmap] }),
    generated(assistant(thought, text('I look.'), toolCall('t1', 'ls'), toolCall('t2', 'agents')), 'c1', 0, { usage: cached }),
    context({
      role: 'user',
      blocks: [
        ...toolResult('t1', 'a.txt').blocks,
        {
          kind: 'tool-result',
          callId: 't2',
          content: [text('three files'), image],
          isError: false,
          extra: { cache_control: { type: 'ephemeral' } },
        },
        text('<reminder>be brief</reminder>'),
      ],
    }),
    generated(assistant(text('One.'), hidden, opaque, text('Two.'), broken, listed, spaced), 'c2', 2, {
      stopReason: null,
      partial: true,
      loggedTimes: 2,
    }),
    // Results of several answers back, one of none, in an order of their own.
    context({
      role: 'user',
      blocks: [text('Before.'), ...toolResult('t1', 'again').blocks, ...toolResult('t9', 'of no call', true).blocks],
    }),
    generated(assistant({ kind: 'refusal', text: 'I will not.' }), 'c3', 4, { costNanoUsd: null, usage: null }),
    context({ role: 'system', blocks: [text('Nudge.')] }),
    context(assistant(text('Never recorded.'))),
    context({ ...user('Summarise.'), extra: { name: 'someone' } }),
    context(user('Summary: three files.')),
    generated(assistant({ ...text('Done.'), extra: { citations: [] } }), 'c5', 9, {
      stopReason: 'end_turn',
      unresolvedRetry: true,
    }),
  ],
  { boundaries: [edit, preamble, compaction], failed: [failed], metadata: { user_id: 'u' } },
)

const retry = trajectory('c2b', [context(user('Look.'), true), generated(assistant(text('Other.')), 'c2b', 3)], {
  kind: 'alternative',
  lane: 'c1',
  parent: { callId: 'c1', relation: 'alternative', link: 'exact', via: null },
})

const worker = trajectory(
  's1',
  [
    context(user('Count the files for me, please.')),
    generated(assistant(toolCall('t1', 'wc')), 's1', 1),
    context(toolResult('t1', '3')),
    generated(assistant(text('three files')), 's2', 1.5),
  ],
  { kind: 'subagent', parent: { callId: 'c1', relation: 'subagent', link: 'textual', via: 't2' } },
)

/** A worker of the worker, whose answer never came back. */
const nested = trajectory('n1', [context(user('wc please')), generated(assistant(text('3')), 'n1', 1.2)], {
  kind: 'subagent',
  tools: [],
  system: [],
  parent: { callId: 's2', relation: 'subagent', link: 'textual', via: 'gone' },
})

const title = trajectory('x1', [context(user('A title?')), generated(assistant(text('Files')), 'x1', 0.1)], {
  kind: 'side',
  side: 'title',
  maxTokens: null,
})

/** Token ids, and a log probability that is not known. */
const counted = trajectory(
  'k1',
  [
    { ...context(user('Ids.')), tokens: { ids: [5, 6], logprobs: null } },
    { ...generated(assistant(text('a')), 'k1', 20), tokens: { ids: [1, 2], logprobs: [-0.5, -1] } },
    { ...generated(assistant(text('b')), 'k2', 21), tokens: { ids: [3, 4], logprobs: [-0.5, null] } },
  ],
  { kind: 'fork', parent: { callId: 'c1', relation: 'fork', link: 'exact', via: null }, approximate: true, breakReason: 'edit' },
)

export const trajectories: readonly Trajectory[] = [title, main, worker, nested, retry, counted]

export const scope: TrajectorySet = {
  scope: {
    kind: 'trial',
    id: 'trial-1',
    name: 'files.agent.1',
    runId: 'run-1',
    task: 'files',
    agent: { name: 'agent', version: '1.2.3' },
    score: 0.5,
  },
  policy: 'readable',
  trajectories,
  stray: [{ ...failed, callId: 'c-stray' }],
}
