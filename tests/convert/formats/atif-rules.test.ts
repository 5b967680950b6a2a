// The checker of ATIF documents itself: every rule of it is broken once and caught, and what is right passes.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compileSchema, type JsonSchema } from '../../../core/schema.ts'
import type { JsonObject } from '../../../core/types.ts'
import { findProblems } from './_atif-rules.ts'

const schema = compileSchema<JsonObject>(
  JSON.parse(readFileSync('convert/formats/schemas/atif.schema.json', 'utf8')) as JsonSchema,
)

type Editable = { [key: string]: never } & Record<string, unknown>

/** A small document with every field; each test breaks a copy. */
function create(): Editable {
  return JSON.parse(
    JSON.stringify({
      schema_version: 'ATIF-v1.7',
      session_id: 's',
      trajectory_id: 't',
      agent: { name: 'a', version: '1', model_name: 'm', tool_definitions: [{ type: 'function' }], extra: {} },
      steps: [
        { step_id: 1, source: 'system', message: 'x', timestamp: '2026-01-01T00:00:00Z', extra: {} },
        {
          step_id: 2,
          source: 'user',
          message: [
            { type: 'text', text: 'x' },
            { type: 'image', source: { media_type: 'image/png', path: 'a.png' } },
          ],
        },
        {
          step_id: 3,
          source: 'agent',
          message: '',
          model_name: 'm',
          reasoning_effort: 'high',
          reasoning_content: 'r',
          tool_calls: [{ tool_call_id: 'c', function_name: 'f', arguments: {}, extra: {} }],
          observation: {
            results: [{ source_call_id: 'c', content: 'y', subagent_trajectory_ref: [{ trajectory_id: 'u' }], extra: {} }],
          },
          metrics: {
            prompt_tokens: 1,
            completion_tokens: 1,
            cached_tokens: 1,
            cost_usd: 0.1,
            completion_token_ids: [1],
            logprobs: [-1],
            extra: {},
          },
          is_copied_context: true,
          llm_call_count: 1,
        },
        { step_id: 4, source: 'agent', message: 'dispatched', llm_call_count: 0 },
      ],
      notes: 'n',
      final_metrics: { total_prompt_tokens: 1, total_cost_usd: 0.1, total_steps: 4, extra: {} },
      subagent_trajectories: [
        {
          schema_version: 'ATIF-v1.7',
          trajectory_id: 'u',
          agent: { name: 'a', version: '1' },
          steps: [{ step_id: 1, source: 'user', message: '' }],
        },
      ],
      extra: {},
    }),
  ) as Editable
}

const at = (document: Editable, ...path: ReadonlyArray<string | number>): Record<string, unknown> =>
  path.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], document) as Record<string, unknown>

/** What breaks it; whether a schema alone can see it. */
type Breach = readonly [what: string, breakIt: (document: Editable) => void, problem: RegExp, bySchema: boolean]

const objects: ReadonlyArray<readonly (string | number)[]> = [
  [],
  ['agent'],
  ['steps', 0],
  ['steps', 1, 'message', 0],
  ['steps', 1, 'message', 1],
  ['steps', 1, 'message', 1, 'source'],
  ['steps', 2, 'tool_calls', 0],
  ['steps', 2, 'observation'],
  ['steps', 2, 'observation', 'results', 0],
  ['steps', 2, 'observation', 'results', 0, 'subagent_trajectory_ref', 0],
  ['steps', 2, 'metrics'],
  ['final_metrics'],
  ['subagent_trajectories', 0],
]

const set = (path: readonly (string | number)[], key: string, value: unknown) => (document: Editable) => {
  at(document, ...path)[key] = value
}
const remove = (path: readonly (string | number)[], key: string) => (document: Editable) => {
  delete at(document, ...path)[key]
}
const step = (index: number, key: string, value: unknown) => set(['steps', index], key, value)
const version = (number: number) => set([], 'schema_version', `ATIF-v1.${number}`)
const both =
  (...all: ReadonlyArray<(document: Editable) => void>) =>
  (document: Editable) => {
    for (const one of all) one(document)
  }
const result = ['steps', 2, 'observation', 'results', 0] as const

const breaches: readonly Breach[] = [
  ...objects.map(
    (path): Breach => [`an unknown key at ${path.join('.') || 'the root'}`, set(path, 'surprise', 1), /unknown key/, true],
  ),
  ['a version there is not', set([], 'schema_version', 'ATIF-v1.8'), /no such version/, true],
  ['no agent', remove([], 'agent'), /agent: missing/, true],
  ['an agent without a version', remove(['agent'], 'version'), /version: missing/, true],
  ['no steps', set([], 'steps', []), /at least one/, true],
  ['a step id twice', step(1, 'step_id', 1), /step_id: must be 2/, false],
  ['step ids from 0', step(0, 'step_id', 0), /step_id: must be 1/, true],
  ['another source', step(0, 'source', 'tool'), /must be system, user or agent/, true],
  ['no message', remove(['steps', 0], 'message'), /message: missing/, true],
  ['a time that is none', step(0, 'timestamp', 'yesterday'), /timestamp/, true],
  ['a day that is none', step(0, 'timestamp', '2026-13-41T00:00:00Z'), /timestamp/, false],
  ['a model on a user step', step(1, 'model_name', 'm'), /only for steps of the agent/, true],
  ['effort on a user step', step(1, 'reasoning_effort', 1), /only for steps of the agent/, true],
  ['reasoning on a system step', step(0, 'reasoning_content', 'r'), /only for steps of the agent/, true],
  ['tool calls on a user step', step(1, 'tool_calls', []), /only for steps of the agent/, true],
  ['metrics on a user step', step(1, 'metrics', {}), /only for steps of the agent/, true],
  ['metrics without a call of a model', step(3, 'metrics', {}), /no model was called/, true],
  ['reasoning without a call of a model', step(3, 'reasoning_content', ''), /no model was called/, true],
  ['a negative number of calls', step(2, 'llm_call_count', -1), /llm_call_count/, true],
  ['arguments as text', set(['steps', 2, 'tool_calls', 0], 'arguments', '{}'), /arguments: must be map/, true],
  ['arguments as a list', set(['steps', 2, 'tool_calls', 0], 'arguments', []), /arguments: must be map/, true],
  ['a call without an id', remove(['steps', 2, 'tool_calls', 0], 'tool_call_id'), /tool_call_id: missing/, true],
  ['a result of a call of another step', set(result, 'source_call_id', 'other'), /no call of this step/, false],
  ['a result as an object', set(result, 'content', {}), /must be text or parts/, true],
  ['a reference to nothing', set(result, 'subagent_trajectory_ref', [{ extra: {} }]), /names nothing/, true],
  ['a reference to nobody', set(result, 'subagent_trajectory_ref', [{ trajectory_id: 'v' }]), /no such trajectory/, false],
  ['an embedded one without an id', remove(['subagent_trajectories', 0], 'trajectory_id'), /trajectory_id: missing/, true],
  [
    'two embedded ones of one id',
    document => (at(document, 'subagent_trajectories') as unknown as unknown[]).push(at(document, 'subagent_trajectories', 0)),
    /not unique/,
    false,
  ],
  [
    'a broken embedded one',
    set(['subagent_trajectories', 0, 'steps', 0], 'source', 'x'),
    /subagent_trajectories\[0\]\.steps\[0\]/,
    true,
  ],
  ['a part of another type', set(['steps', 1, 'message', 0], 'type', 'audio'), /text or image/, true],
  ['a text part without text', remove(['steps', 1, 'message', 0], 'text'), /text: missing/, true],
  [
    'a text part with an image',
    set(['steps', 1, 'message', 0], 'source', { media_type: 'image/png', path: '' }),
    /unknown key/,
    true,
  ],
  ['an image part without an image', remove(['steps', 1, 'message', 1], 'source'), /source/, true],
  ['another kind of image', set(['steps', 1, 'message', 1, 'source'], 'media_type', 'image/bmp'), /not a kind of image/, true],
  ['tokens as text', set(['steps', 2, 'metrics'], 'prompt_tokens', '1'), /prompt_tokens/, true],
  ['an unknown log probability', set(['steps', 2, 'metrics'], 'logprobs', [null]), /logprobs/, true],
  ['half a token id', set(['steps', 2, 'metrics'], 'completion_token_ids', [1.5]), /completion_token_ids/, true],
  ['a negative number of steps', set(['final_metrics'], 'total_steps', -1), /total_steps/, true],
  ['embedded ones in 1.6', version(6), /subagent_trajectories: needs version 1\.7/, false],
  ['extra of a tool call in 1.6', version(6), /tool_calls\[0\]\.extra: needs version 1\.7/, false],
  ['a count of calls in 1.6', version(6), /llm_call_count: needs version 1\.7/, false],
  ['no session in 1.6', both(version(6), remove([], 'session_id')), /session_id: missing/, false],
  ['parts in 1.5', version(5), /parts need version 1\.6/, false],
  ['tool definitions in 1.4', version(4), /tool_definitions: needs version 1\.5/, false],
  [
    'prompt token ids in 1.3',
    both(version(3), set(['steps', 2, 'metrics'], 'prompt_token_ids', [1])),
    /needs version 1\.4/,
    false,
  ],
  ['completion token ids in 1.2', version(2), /completion_token_ids: needs version 1\.3/, false],
  [
    'an observation of the system in 1.1',
    both(version(1), step(0, 'observation', { results: [] })),
    /observation: needs version 1\.2/,
    false,
  ],
  ['extra at the root in 1.0', version(0), /extra: needs version 1\.1/, false],
]

describe('the checker of ATIF documents', () => {
  it('finds nothing in a right one, nor does the schema', () => {
    expect(findProblems(create())).toEqual([])
    expect(schema.problems(create() as unknown as JsonObject)).toEqual([])
  })

  it.each(breaches)('finds %s', (_, breakIt, problem, bySchema) => {
    const document = create()
    breakIt(document)
    expect(
      findProblems(document).some(found => problem.test(found)),
      findProblems(document).join('\n'),
    ).toBe(true)
    expect(schema.problems(JSON.parse(JSON.stringify(document)) as JsonObject).length > 0).toBe(bySchema)
  })
})
