import { describe, expect, it } from 'vitest'
import { startCounts } from '../../convert/conversion-counts.ts'
import { everything, type Selection, selectsGeneration, selectsScope, selectTrajectories } from '../../convert/select.ts'
import type { ScopeInfo } from '../../convert/source.ts'
import type { Generation } from '../../convert/trajectory.ts'
import { parseWhere } from '../../convert/where.ts'
import { createTrajectory, generation } from './trajectories.ts'

const scope: ScopeInfo = {
  kind: 'trial',
  id: 't',
  name: 't',
  runId: null,
  task: 'one',
  agent: { name: 'mini', version: null },
  score: 1,
}
const choose = (selection: Partial<Selection>): Selection => ({ ...everything, ...selection })

describe('selectsScope', () => {
  it('takes scopes of the named agents, and none whose agent is unknown', () => {
    expect(selectsScope(choose({ agents: ['x', 'mini'] }), scope, {})).toBe(true)
    expect(selectsScope(choose({ agents: ['x'] }), scope, {})).toBe(false)
    expect(selectsScope(choose({ agents: ['mini'] }), { ...scope, agent: null }, {})).toBe(false)
    expect(selectsScope(everything, { ...scope, agent: null }, {})).toBe(true)
  })

  it('asks the expression, and does not guess', () => {
    const where = parseWhere('score>=1')
    expect(selectsScope(choose({ where }), scope, { score: 1 })).toBe(true)
    expect(selectsScope(choose({ where }), scope, { score: 0.5 })).toBe(false)
    expect(selectsScope(choose({ where }), scope, {})).toBeNull()
    expect(selectsScope(choose({ where, agents: ['x'] }), scope, {})).toBe(false)
  })
})

describe('selectsGeneration', () => {
  const cases: ReadonlyArray<readonly [Partial<Selection>, Partial<Generation>, boolean]> = [
    [{ turns: [{ from: 2, to: 4 }] }, { turn: 2 }, true],
    [{ turns: [{ from: 2, to: 4 }] }, { turn: 4 }, true],
    [{ turns: [{ from: 2, to: 4 }] }, { turn: 5 }, false],
    [{ turns: [{ from: 2, to: 4 }] }, { turn: 1 }, false],
    [{ turns: [{ from: 2, to: null }] }, { turn: 99 }, true],
    [{ turns: [{ from: null, to: 2 }] }, { turn: 3 }, false],
    [{ turns: [{ from: null, to: 2 }] }, { turn: null }, false],
    [
      {
        turns: [
          { from: 1, to: 1 },
          { from: 3, to: 3 },
        ],
      },
      { turn: 3 },
      true,
    ],
    [{ models: ['opus-*'] }, { model: 'opus-1' }, true],
    [{ models: ['opus'] }, { model: 'opus-1' }, false],
    [{ models: ['*'] }, { model: null }, false],
    [{ since: 10 }, { startedAt: 10 }, true],
    [{ since: 10 }, { startedAt: 9 }, false],
    [{ until: 10 }, { startedAt: 10 }, false],
    [{ until: 10 }, { startedAt: 9 }, true],
  ]
  it.each(cases)('%j of %j: %s', (selection, changes, expected) => {
    expect(selectsGeneration(choose(selection), { ...generation('a'), ...changes })).toBe(expected)
  })
})

describe('selectTrajectories', () => {
  const turns = createTrajectory('a', ['a1', 'a2', 'a3'])
  const other = createTrajectory('b', ['b9'])

  it('leaves unwanted answers as context, every message where it was, and counts them with their tokens', () => {
    const counts = startCounts()
    const [kept, ...more] = selectTrajectories([turns, other], choose({ turns: [{ from: 2, to: 2 }] }), 'readable', counts)
    expect(more).toEqual([])
    expect(kept?.steps.map(step => step.generation?.callId ?? null)).toEqual([null, null, null, 'a2', null, null])
    expect(kept?.steps.map(step => step.message)).toEqual(turns.steps.map(step => step.message))
    expect(counts).toMatchObject({ deselected: 3, tokens_deselected: 3 * 11 })
  })

  it('counts the failed calls of what goes as a whole', () => {
    const counts = startCounts()
    const usage = generation('x').usage
    const failing = { ...other, failed: [{ callId: 'f', usage, costNanoUsd: null }] }
    expect([...selectTrajectories([failing], choose({ turns: [{ from: 2, to: 2 }] }), 'readable', counts)]).toEqual([])
    expect(counts).toMatchObject({ deselected: 1, tokens_deselected: 22 })
  })

  it('keeps the nodes of a tree, for what hangs on them', () => {
    const kept = [...selectTrajectories([turns, other], choose({ turns: [{ from: 2, to: 2 }] }), 'tree', null)]
    expect(kept.map(one => one.id)).toEqual(['a', 'b'])
    expect(kept[1]?.steps.every(step => step.generation === null)).toBe(true)
  })

  it('touches nothing when nothing narrows', () => {
    expect([...selectTrajectories([turns, other], choose({ agents: ['mini'] }), 'readable', null)]).toEqual([turns, other])
  })
})
