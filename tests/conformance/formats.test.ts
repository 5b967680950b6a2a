// Every output format: each generation once, nothing invented, JSON in and out, the same bytes for the same trajectory.
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { formats } from '../../convert/formats/_all.ts'
import { buildLanes } from '../../convert/lanes.ts'
import { createLoader } from '../../convert/load.ts'
import readable from '../../convert/policies/readable.ts'
import type { TrajectorySet } from '../../convert/trajectory.ts'
import { buildTree } from '../../convert/tree.ts'
import type { Block } from '../../core/types.ts'
import { assistant, decode, type ScriptedCall, text, toolCall, toolResult, user } from '../convert/script.ts'

const image: Block = { kind: 'image', mediaType: 'image/png', data: 'aGk=' }
const opaque: Block = { kind: 'opaque', type: 'server_tool_use', raw: { type: 'server_tool_use', id: 'srv_1' } }
const broken: Block = { kind: 'tool-call', id: 't3', name: 'bash', input: null, inputText: '{"command": "l' }

const first = assistant({ kind: 'thinking', text: 'a' }, text('one'), opaque, toolCall('t1', 'ls'))
const calls: readonly ScriptedCall[] = [
  { id: 'a', at: 1, messages: [{ role: 'user', blocks: [text('look'), image] }], answer: first },
  {
    id: 'a2',
    at: 1.1,
    messages: [{ role: 'user', blocks: [text('look'), image] }],
    answer: assistant(text('two'), { kind: 'refusal', text: 'no' }),
  },
  {
    id: 'b',
    at: 2,
    messages: [{ role: 'user', blocks: [text('look'), image] }, first, toolResult('t1', '')],
    answer: assistant(broken),
    complete: false,
  },
  {
    id: 'h',
    at: 3,
    messages: [user('old'), assistant(text('never recorded')), user('new')],
    answer: assistant(text('three')),
    usage: null,
  },
  { id: 'x', at: 4, messages: [user('q')], answer: null },
]

const set: TrajectorySet = (() => {
  const loader = createLoader()
  for (const call of calls) loader.add(decode(call))
  const tree = buildTree({ ...loader.finish(), undecodable: 0 })
  const scope = { kind: 'session', id: 's', name: 's', runId: null, task: null, agent: null, score: null } as const
  return { scope, policy: 'readable', trajectories: [...readable.build(tree, buildLanes(tree))] }
})()

it('the list is the directory', () => {
  const files = readdirSync('convert/formats').filter(name => name.endsWith('.ts') && !name.startsWith('_'))
  expect(formats.map(format => `${format.id}.ts`).sort()).toEqual(files.sort())
})

describe.each(formats.map(format => [format.id, format] as const))('format %s', (_, format) => {
  const rows = [...format.write(set)]

  it('marks every generation exactly once over all rows', () => {
    expect(rows.flatMap(format.listGenerations).sort()).toEqual(['a', 'a2', 'b', 'h'])
  })

  it('writes plain JSON on one line, the same again', () => {
    expect([...format.write(set)]).toEqual(rows)
    for (const row of rows) {
      const line = JSON.stringify(row)
      expect(JSON.parse(line)).toEqual(row)
      expect(line).not.toMatch(/[\n\u2028]/)
      expect(format.listGenerations(JSON.parse(line))).toEqual(format.listGenerations(row))
    }
  })

  it('keeps every text, the exact text of broken arguments and the image', () => {
    const all = JSON.stringify(rows)
    for (const word of ['look', 'one', 'two', 'three', 'never recorded', 'new', 'aGk=', 'srv_1']) expect(all).toContain(word)
    expect(all).toContain(JSON.stringify('{"command": "l').slice(1, -1))
  })

  it('does not pass off an answer nobody recorded as generated', () => {
    const alone = { ...set, trajectories: [...set.trajectories].filter(trajectory => trajectory.id === 'h') }
    const rows = [...format.write(alone)]
    expect(JSON.stringify(rows)).toContain('never recorded')
    expect(rows.flatMap(format.listGenerations)).toEqual(['h'])
  })

  it('says what it loses', () => expect(format.loses === null || format.loses.length > 10).toBe(true))
})
