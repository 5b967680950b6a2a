import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findFormat } from '../../../convert/formats/_all.ts'
import atif from '../../../convert/formats/atif.ts'
import type { Trajectory, TrajectorySet } from '../../../convert/trajectory.ts'
import { compileSchema, type JsonSchema } from '../../../core/schema.ts'
import type { JsonObject, Usage } from '../../../core/types.ts'
import { assistant, text } from '../script.ts'
import { findProblems } from './_atif-rules.ts'
import { randomScope } from './_random-scope.ts'
import { generated, scope, trajectory } from './_scope.ts'

const schema = compileSchema<JsonObject>(
  JSON.parse(readFileSync('convert/formats/schemas/atif.schema.json', 'utf8')) as JsonSchema,
)
function write(set: TrajectorySet): JsonObject[] {
  const rows = [...atif.write(set)]
  for (const row of rows) {
    expect(findProblems(row)).toEqual([])
    expect(schema.problems(row)).toEqual([])
  }
  return rows
}

function writeOne(set: TrajectorySet): JsonObject {
  const [row, ...others] = write(set)
  expect(others).toEqual([])
  return row ?? {}
}

/** As a reader of the file has it. */
const reread = (row: JsonObject): JsonObject => JSON.parse(JSON.stringify(row)) as JsonObject
const read = (row: JsonObject): TrajectorySet => {
  const set = atif.read(reread(row))
  return { ...set, trajectories: [...set.trajectories] }
}

describe('a scope with everything in it', () => {
  const row = writeOne(scope)

  it('is as it was', async () => {
    await expect(`${JSON.stringify(row, null, 2)}\n`).toMatchFileSnapshot('../../fixtures/golden/atif.json')
  })

  it('is read as it was written', () => expect(read(row)).toEqual(scope))

  it('is written the same again', () => expect(JSON.stringify(writeOne(read(row)))).toBe(JSON.stringify(row)))

  it('is found by its name', () => expect(findFormat('atif')).toBe(atif))
})

describe('any scope', () => {
  it('is a valid document, is read as it was written and written the same again', () => {
    fc.assert(
      fc.property(randomScope, set => {
        const row = writeOne(set)
        const again = read(row)
        expect(again).toEqual(set)
        expect(JSON.stringify(writeOne(again))).toBe(JSON.stringify(row))
      }),
      { numRuns: 60 },
    )
  })
})

describe('the main conversation', () => {
  const lane = (id: string, calls: number, more: Partial<Trajectory> = {}) =>
    trajectory(
      id,
      Array.from({ length: calls }, (_, index) => generated(assistant(text('x')), `${id}-${index}`, index)),
      more,
    )
  const mainOf = (...trajectories: Trajectory[]) => writeOne({ ...scope, trajectories })['trajectory_id']

  it('is the root with the most generations, not the one that ends last', () => {
    const late = trajectory('late', [generated(assistant(text('A title')), 'late', 99)])
    expect(mainOf(lane('a', 2), lane('b', 3), late)).toBe('b')
  })

  it('is no sub-agent, fork or side call, however long', () => {
    const parent = { callId: 'a-0', relation: 'fork', link: 'exact', via: null } as const
    expect(mainOf(lane('f', 9, { kind: 'fork', parent }), lane('s', 8, { kind: 'side' }), lane('a', 1))).toBe('a')
  })

  it('reaches furthest among equals, and is the last of its parts', () => {
    const later = trajectory('later', [generated(assistant(text('x')), 'later', 50)])
    expect(mainOf(lane('a', 1), later)).toBe('later')
    const parent = { callId: 'a-2', relation: 'edit', link: 'copied', via: null } as const
    expect(mainOf(lane('a', 3), lane('a2', 1, { kind: 'segment', lane: 'a', parent }), lane('b', 3))).toBe('a2')
  })
})

describe('sums', () => {
  it('of a document and of all it holds are those of its calls', () => {
    const row = writeOne(scope)
    const all = [...scope.trajectories].flatMap(one => [...one.steps.flatMap(step => step.generation ?? []), ...one.failed])
    const prompt = (used: Usage | null) =>
      used === null
        ? 0
        : [used.input, used.cachedRead, used.cachedWrite5m, used.cachedWrite1h].reduce<number>((sum, n) => sum + (n ?? 0), 0)
    const expected = all.reduce((sum, call) => sum + prompt(call.usage), 0)
    const totals = (document: JsonObject): JsonObject[] => [
      document['final_metrics'] as JsonObject,
      ...((document['subagent_trajectories'] ?? []) as JsonObject[]).flatMap(totals),
    ]
    expect(totals(row).reduce((sum, one) => sum + Number(one['total_prompt_tokens'] ?? 0), 0)).toBe(expected)
    expect((row['extra'] as JsonObject)['totals']).toMatchObject({
      total_prompt_tokens: expected,
      extra: { calls: all.length + 1, failed_calls: 2, calls_without_usage: 3 },
    })
  })

  it('give no total cost where one of the calls is not priced', () => {
    const steps = (cost: number | null) => [
      generated(assistant(text('x')), 'a', 1, { costNanoUsd: 2_000_000 }),
      generated(assistant(text('y')), 'b', 2, { costNanoUsd: cost }),
    ]
    const metricsOf = (cost: number | null) =>
      writeOne({ ...scope, trajectories: [trajectory('a', steps(cost))] })['final_metrics']
    expect(metricsOf(1_000_000)).toMatchObject({ total_cost_usd: 0.003 })
    expect(metricsOf(null)).not.toHaveProperty('total_cost_usd')
    expect(metricsOf(null)).toMatchObject({ extra: { calls_without_cost: 1, cost_usd_of_the_others: 0.002 } })
  })
})

describe('documents', () => {
  it('are one per call under the policy calls, and calls of no lane are in one of them', () => {
    const rows = write({ ...scope, policy: 'calls' })
    expect(rows.map(row => row['trajectory_id'])).toEqual([...scope.trajectories].map(({ id }) => id))
    expect(rows.filter(row => JSON.stringify(row).includes('c-stray')).length).toBe(1)
  })

  it('name each list of tools once', () => {
    expect(JSON.stringify(writeOne(scope)).match(/Runs a command\./g)?.length).toBe(1)
  })

  it('are none where there is no conversation', () => expect(write({ ...scope, trajectories: [] })).toEqual([]))

  it('never mark what was not generated here as fit for training', () => {
    const steps = writeOne(scope)['steps'] as JsonObject[]
    const agent = steps.filter(step => step['source'] === 'agent')
    for (const step of agent) expect(step['is_copied_context'] === true).toBe(step['llm_call_count'] === undefined)
    expect(agent.filter(step => step['is_copied_context'] === true).map(step => step['message'])).toEqual(['Never recorded.'])
  })
})

describe('a document of another writer', () => {
  const foreign = (version: string): JsonObject => ({
    schema_version: version,
    session_id: 'run-7',
    agent: { name: 'other', version: '2', model_name: 'm', extra: { parser: 'json' } },
    steps: [
      { step_id: 1, source: 'system', message: 'Be brief.', timestamp: '2025-05-05T05:05:05+00:00' },
      { step_id: 2, source: 'user', message: 'Go.', timestamp: '2025-05-05T05:05:05.123456+00:00', extra: { turn: 1 } },
      {
        step_id: 3,
        source: 'agent',
        message: 'Analysis',
        reasoning_content: 'Think.',
        reasoning_effort: 'low',
        timestamp: '2025-05-05T05:05:06.123456+00:00',
        tool_calls: [
          { tool_call_id: 'c1', function_name: 'keys', arguments: { keys: 'ls\n' } },
          { tool_call_id: 'c2', function_name: 'keys', arguments: {} },
        ],
        observation: { results: [{ content: 'joint output' }] },
        metrics: { prompt_tokens: 100, cached_tokens: 60, completion_tokens: 7, cost_usd: 0.0123, extra: { own: true } },
      },
      { step_id: 4, source: 'agent', message: 'Again', is_copied_context: true },
      { step_id: 5, source: 'agent', message: 'Done.', model_name: 'm2', metrics: { completion_tokens: 3 } },
    ],
    notes: 'a note',
    final_metrics: { total_prompt_tokens: 100, total_completion_tokens: 10, total_cost_usd: 0.5 },
    extra: { summary: 1 },
  })
  const document = foreign('ATIF-v1.4')
  const set = read(document)
  const [only] = [...set.trajectories]

  it('is read for what it says', () => {
    expect(set.scope).toMatchObject({ kind: 'session', id: 'run-7', agent: { name: 'other', version: '2' } })
    expect(only).toMatchObject({ kind: 'root', system: [{ kind: 'text', text: 'Be brief.' }], model: 'm', parent: null })
    expect(only?.steps.map(step => [step.message.role, step.generation?.callId ?? null, step.copied])).toEqual([
      ['user', null, false],
      ['assistant', 'run-7#3', false],
      ['user', null, false],
      ['assistant', null, true],
      ['assistant', 'run-7#5', false],
    ])
    expect(only?.steps[1]?.generation).toMatchObject({
      model: 'm',
      startedAt: Date.parse('2025-05-05T05:05:06.123Z'),
      costNanoUsd: 12_300_000,
      usage: { input: 40, cachedRead: 60, output: 7, reasoning: null },
    })
    expect(only?.steps[4]?.generation).toMatchObject({ model: 'm2', startedAt: 0, usage: { input: null, output: 3 } })
    expect(only?.steps[2]?.message.blocks).toMatchObject([{ kind: 'tool-result', callId: '' }])
  })

  it('is written valid again, with its messages, calls, results and metrics', () => {
    const row = writeOne(set)
    const steps = row['steps'] as JsonObject[]
    expect(steps.map(({ source, message, timestamp }) => [source, message, timestamp])).toEqual(
      (document['steps'] as JsonObject[]).map(({ source, message, timestamp }, index) => [
        source,
        message,
        index === 0 ? undefined : timestamp,
      ]),
    )
    expect(steps[2]).toMatchObject({
      reasoning_content: 'Think.',
      reasoning_effort: 'low',
      tool_calls: [{ tool_call_id: 'c1', arguments: { keys: 'ls\n' } }, { tool_call_id: 'c2' }],
      observation: { results: [{ content: 'joint output' }] },
      metrics: { prompt_tokens: 100, cached_tokens: 60, completion_tokens: 7, cost_usd: 0.0123 },
    })
    expect(row['final_metrics']).toMatchObject({ total_prompt_tokens: 100, total_completion_tokens: 10, total_cost_usd: 0.5 })
    for (const word of ['a note', '"parser":"json"', '"summary":1', '"own":true', '"turn":1', '05:05:05+00:00'])
      expect(JSON.stringify(row)).toContain(word)
    expect(JSON.stringify(writeOne(read(row)))).toBe(JSON.stringify(row))
  })

  it.each(['1.0', '1.1', '1.2', '1.3', '1.5', '1.6', '1.7'])('is read in version %s', number => {
    const again = read(foreign(`ATIF-v${number}`))
    expect([...again.trajectories][0]?.steps).toEqual(only?.steps)
  })

  it('keeps its embedded trajectories with the call they work for, its images by path and its steps without a model', () => {
    const image = { type: 'image', source: { media_type: 'image/png', path: 'images/a.png' } }
    const row: JsonObject = {
      schema_version: 'ATIF-v1.7',
      trajectory_id: 'top',
      agent: { name: 'other', version: '2' },
      steps: [
        { step_id: 1, source: 'user', message: [{ type: 'text', text: 'See' }, image] },
        {
          step_id: 2,
          source: 'agent',
          message: '',
          tool_calls: [{ tool_call_id: 'c', function_name: 'task', arguments: {}, extra: { x: 1 } }],
          observation: { results: [{ source_call_id: 'c', content: 'ok', subagent_trajectory_ref: [{ trajectory_id: 'sub' }] }] },
        },
        { step_id: 3, source: 'agent', message: 'dispatched', llm_call_count: 0 },
        { step_id: 4, source: 'agent', message: 'twice', llm_call_count: 2 },
        {
          step_id: 5,
          source: 'system',
          message: 'compacted',
          extra: { context_management: { type: 'compaction', boundary: 'replace' } },
        },
      ],
      subagent_trajectories: [
        {
          schema_version: 'ATIF-v1.7',
          trajectory_id: 'sub',
          agent: { name: 'w', version: '1' },
          steps: [{ step_id: 1, source: 'agent', message: 'ok' }],
        },
        {
          schema_version: 'ATIF-v1.7',
          trajectory_id: 'top',
          agent: { name: 'w', version: '1' },
          steps: [{ step_id: 1, source: 'agent', message: 'other' }],
        },
      ],
    }
    const read1 = read(row)
    const [top, sub, other] = [...read1.trajectories]
    expect(sub).toMatchObject({ kind: 'subagent', parent: { callId: 'top#2', via: 'c', relation: 'subagent', link: 'declared' } })
    expect([top?.id, other?.id]).toEqual(['top', 'top~2'])
    expect(top?.steps[0]?.message.blocks[1]).toEqual({
      kind: 'image',
      mediaType: 'url',
      data: 'images/a.png',
      extra: { media_type: 'image/png' },
    })
    const written = writeOne(read1)
    expect(written['steps']).toMatchObject([
      { message: [{ text: 'See' }, image] },
      { observation: { results: [{ subagent_trajectory_ref: [{ trajectory_id: 'sub' }] }] } },
      { message: 'dispatched', llm_call_count: 0 },
      { message: 'twice', llm_call_count: 2 },
      { source: 'system', message: 'compacted' },
    ])
    expect((written['steps'] as JsonObject[])[2]).not.toHaveProperty('is_copied_context')
    expect(JSON.stringify(writeOne(read(written)))).toBe(JSON.stringify(written))
  })

  it('that is none is refused with what is wrong where', () => {
    const broken = { ...document, agent: { name: 'x' }, surprise: 1 }
    expect(() => read(broken)).toThrowError(
      expect.objectContaining({ code: 'E_BAD_FORMAT', message: expect.stringMatching(/version/) }),
    )
  })
})
