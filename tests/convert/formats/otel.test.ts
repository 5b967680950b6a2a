import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import otel from '../../../convert/formats/otel.ts'
import type { TrajectorySet } from '../../../convert/trajectory.ts'
import { compileSchema, type JsonSchema } from '../../../core/schema.ts'
import type { JsonObject } from '../../../core/types.ts'
import { assistant, text, toolCall, toolResult, usage, user } from '../script.ts'
import { findTraceProblems, listSpans, readAttributes } from './_otlp-rules.ts'
import { randomScope } from './_random-scope.ts'
import { context, generated, scope, trajectory } from './_scope.ts'

const schema = compileSchema<JsonObject>(
  JSON.parse(readFileSync('convert/formats/schemas/otel.schema.json', 'utf8')) as JsonSchema,
)

function write(set: TrajectorySet): JsonObject[] {
  const rows = [...otel.write(set)]
  for (const row of rows) expect(schema.problems(row)).toEqual([])
  return rows
}

const rows = write(scope)
const spans = listSpans(rows)
const named = (name: string) => spans.filter(span => span['name'] === name)
const ofCall = (id: string) => spans.find(span => readAttributes(span)['turnpike.call.id'] === id)

describe('a scope with everything in it', () => {
  it('is as it was', async () => {
    await expect(`${JSON.stringify(rows, null, 2)}\n`).toMatchFileSnapshot('../../fixtures/golden/otel.json')
  })

  it('is a request per trajectory and one for the root, all of one trace', () => {
    expect(rows.length).toBe([...scope.trajectories].length + 1)
    expect(findTraceProblems(rows)).toEqual([])
  })

  it('has the same spans whatever else is in the scope', () => {
    const [, main] = scope.trajectories
    const alone = listSpans(write({ ...scope, trajectories: main === undefined ? [] : [main] }))
    expect(alone.map(span => span['spanId']).filter(id => spans.some(span => span['spanId'] === id)).length).toBe(alone.length)
  })

  it('hangs a sub-agent under the tool that started it', () => {
    const tool = spans.find(span => readAttributes(span)['gen_ai.tool.call.id'] === 't2')
    const worker = spans.find(span => readAttributes(span)['gen_ai.agent.id'] === 's1')
    expect(worker?.['parentSpanId']).toBe(tool?.['spanId'])
    expect(tool?.['name']).toBe('execute_tool bash')
    // Nobody recorded the call that the worker's worker works for.
    const nested = spans.find(span => readAttributes(span)['gen_ai.agent.id'] === 'n1')
    expect(nested?.['parentSpanId']).toBe(named('invoke_workflow files')[0]?.['spanId'])
    expect(nested?.['links']).toMatchObject([{ spanId: ofCall('s2')?.['spanId'] }])
  })

  it('counts cached tokens and cache writes as input', () => {
    expect(readAttributes(ofCall('c1'))).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.conversation.id': 'trial-1',
      'gen_ai.usage.input_tokens': 1103,
      'gen_ai.usage.cache_read.input_tokens': 900,
      'gen_ai.usage.cache_creation.input_tokens': 200,
      'gen_ai.usage.output_tokens': 25,
      'gen_ai.usage.reasoning.output_tokens': 12,
      'gen_ai.response.finish_reasons': [{ stringValue: 'tool_use' }],
      'turnpike.cost.nano_usd': 1_500_000,
    })
  })

  it('says of unknown usage nothing at all', () => {
    expect(Object.keys(readAttributes(ofCall('c3'))).filter(key => key.includes('usage') || key.includes('cost'))).toEqual([])
  })

  it('gives a call only what is new since the call before it', () => {
    const input = JSON.parse(String(readAttributes(ofCall('c2'))['gen_ai.input.messages'])) as JsonObject[]
    expect(input.map(message => message['role'])).toEqual(['tool', 'user'])
    expect(readAttributes(ofCall('c2'))['turnpike.input.since_call']).toBe('c1')
    expect(readAttributes(ofCall('c1'))['turnpike.input.since_call']).toBeUndefined()
  })

  it('shows failed and cut calls as errors, those of no lane under the root', () => {
    expect(ofCall('c-fail')).toMatchObject({ status: { code: 2, message: 'busy' }, startTimeUnixNano: '1772359203000000000' })
    expect(readAttributes(ofCall('c-fail'))).toMatchObject({ 'error.type': 'overloaded_error', 'http.response.status_code': 529 })
    expect(ofCall('c2')).toMatchObject({ status: { code: 2, message: 'the answer was cut' } })
    expect(ofCall('c1')).toMatchObject({ status: {} })
    const [root] = named('invoke_workflow files')
    expect(ofCall('c-stray')?.['parentSpanId']).toBe(root?.['spanId'])
  })

  it('says that the times of tools are inferred', () => {
    const tool = spans.find(
      span => readAttributes(span)['gen_ai.tool.call.id'] === 't1' && span['endTimeUnixNano'] === '1772359202000250000',
    )
    expect(tool?.['startTimeUnixNano']).toBe('1772359200900500000')
    expect(readAttributes(tool)['turnpike.times']).toMatch(/^inferred: from/)
    expect(readAttributes(tool)['gen_ai.tool.call.result']).toBe('a.txt')
    const open = spans.find(span => readAttributes(span)['gen_ai.tool.call.id'] === 't4')
    expect(open?.['startTimeUnixNano']).toBe(open?.['endTimeUnixNano'])
    expect(readAttributes(open)).toMatchObject({
      'turnpike.tool.answered': false,
      'gen_ai.tool.call.arguments': '{"command": "l',
    })
  })

  it('marks each change of the context on its lane', () => {
    const lane = spans.find(span => readAttributes(span)['gen_ai.agent.id'] === 'c1' && span['events'] !== undefined)
    const events = lane?.['events'] as JsonObject[]
    expect(events.map(event => readAttributes(event)['turnpike.change.type'])).toEqual(['edit', 'preamble', 'compaction'])
    expect(events[0]?.['timeUnixNano']).toBe('1772359204000250000')
  })
})

describe('tools', () => {
  const [row] = write({
    ...scope,
    trajectories: [
      trajectory('a', [
        context(user('go')),
        generated(assistant(toolCall('t', 'one'), toolCall('t', 'two')), 'a', 1, { usage: usage(1, 1) }),
        context({ role: 'user', blocks: [...toolResult('t', 'first').blocks, ...toolResult('t', 'second', true).blocks] }),
        generated(assistant(text('end')), 'b', 2),
        context(user('never answered')),
      ]),
    ],
  })

  it('with one id are told apart by their order', () => {
    const calls = listSpans([row]).filter(span => span['name'] === 'execute_tool bash')
    expect(calls.map(call => readAttributes(call)['gen_ai.tool.call.result'])).toEqual(['first', 'second'])
    expect(new Set(calls.map(call => call['spanId'])).size).toBe(2)
    expect(calls.map(call => (call['status'] as JsonObject)['code'])).toEqual([undefined, 2])
  })

  it('and what was said after the last answer are kept', () => {
    const [lane] = listSpans([row]).filter(span => span['name'] === 'invoke_agent agent')
    expect(readAttributes(lane)['turnpike.trailing.messages']).toContain('never answered')
  })
})

describe('size', () => {
  it('a long lane is several requests, each small', () => {
    const steps = Array.from({ length: 60 }, (_, index) => [
      context(user('x'.repeat(100_000))),
      generated(assistant(text('y'.repeat(100_000))), `c${index}`, index),
    ]).flat()
    const requests = write({ ...scope, stray: [], trajectories: [trajectory('a', steps)] })
    expect(requests.length).toBe(5)
    for (const request of requests) expect(JSON.stringify(request).length).toBeLessThan(4_500_000)
    expect(requests.flatMap(otel.listGenerations)).toEqual(Array.from({ length: 60 }, (_, index) => `c${index}`))
    expect(findTraceProblems(requests)).toEqual([])
  })

  it('a scope without any call is no request, one with failed calls only is its root', () => {
    expect(write({ ...scope, trajectories: [], stray: [] })).toEqual([])
    expect(findTraceProblems(write({ ...scope, trajectories: [] }))).toEqual([])
  })
})

it('any scope is valid, and each generation is in it once', () => {
  fc.assert(
    fc.property(randomScope, set => {
      const all = write(set)
      const problems = findTraceProblems(all).filter(problem => !/^\S+( \S+)?: linked span is nowhere$/.test(problem))
      expect(problems).toEqual([])
      const generations = [...set.trajectories].flatMap(one => one.steps.flatMap(step => step.generation?.callId ?? []))
      expect(all.flatMap(otel.listGenerations)).toEqual(generations)
    }),
    { numRuns: 60 },
  )
})
