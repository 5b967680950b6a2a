import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDuplicates, printTrajectories } from '../../convert/dedup.ts'
import type { PolicyId, Trajectory } from '../../convert/trajectory.ts'
import { text, toolCall } from './script.ts'
import { createTrajectory } from './trajectories.ts'

const words = (...said: string[]) => {
  let at = 0
  return () => [text(said[at++] ?? '')]
}
const print = (some: readonly Trajectory[], policy: PolicyId = 'readable') => printTrajectories(some, policy)
const digests = (...some: Trajectory[]) => print(some).map(one => one.digest)

describe('printTrajectories', () => {
  const one = createTrajectory('a', ['a1', 'a2'], words('yes', 'no'))

  it('is blind to ids of calls, times and token counts', () => {
    const other = createTrajectory('b', ['b7', 'b8'], words('yes', 'no'))
    const later = {
      ...other,
      steps: other.steps.map(step =>
        step.generation === null ? step : { ...step, generation: { ...step.generation, startedAt: 9, usage: null } },
      ),
    }
    expect(digests(later)).toEqual(digests(one))
  })

  it('is blind to the ids of tool calls, not to which call is which', () => {
    const say = (...ids: string[]) => createTrajectory('x', ['x1'], () => ids.map(id => toolCall(id, 'ls')))
    expect(digests(say('t1', 't2'))).toEqual(digests(say('u9', 'u3')))
    expect(digests(say('t1', 't1'))).not.toEqual(digests(say('u9', 'u3')))
  })

  it.each([
    ['another word', createTrajectory('a', ['a1', 'a2'], words('yes', 'No'))],
    ['texts cut elsewhere', createTrajectory('a', ['a1', 'a2'], words('yesn', 'o'))],
    ['one answer less', createTrajectory('a', ['a1'], words('yes'))],
    ['another model', { ...one, model: 'model-b' }],
    ['another system text', { ...one, system: [text('Be brief.')] }],
    ['other tools', { ...one, tools: [{ name: 'bash', description: '', schema: null, raw: null }] }],
    [
      'an answer that is only context',
      { ...one, steps: one.steps.map((step, index) => (index === 1 ? { ...step, generation: null } : step)) },
    ],
  ])('tells %s from it', (_, other) => expect(digests(other)).not.toEqual(digests(one)))

  it('takes a conversation and what hangs on it as one, in any depth', () => {
    const child = (id: string, parent: string, word: string): Trajectory => ({
      ...createTrajectory(id, [`${id}1`], words(word)),
      kind: 'subagent',
      parent: { callId: parent, relation: 'subagent', link: 'textual', via: 't1' },
    })
    const [family, ...rest] = print([one, child('b', 'a1', 'deep'), child('c', 'b1', 'deeper'), child('d', 'a2', 'other')])
    expect(rest).toEqual([])
    expect(family?.ids).toEqual(['a', 'b', 'c', 'd'])
    const [changed] = print([one, child('b', 'a1', 'deep'), child('c', 'b1', 'DEEPER'), child('d', 'a2', 'other')])
    expect(changed?.digest).not.toBe(family?.digest)
    expect(digests(one)[0]).not.toBe(family?.digest)
    // A row that stands for itself is judged by itself.
    expect(print([one, child('b', 'a1', 'deep')], 'calls').map(own => own.ids)).toEqual([['a'], ['b']])
  })

  it('finds the part of a tree that a part stands behind, though nothing was generated in it', () => {
    const shared = { ...one, id: 'a@1', steps: one.steps.slice(0, 1) }
    const at = { trajectoryId: 'a@1', steps: 1 }
    const behind: Trajectory = {
      ...createTrajectory('b', ['b1'], words('yes')),
      parent: { callId: 'gone', relation: 'fork', link: 'exact', via: null, continuesAt: at },
    }
    expect(print([shared, behind], 'tree').map(own => own.ids)).toEqual([['a@1', 'b']])
  })

  it('takes what hangs on nothing that is there as a beginning', () => {
    const orphan: Trajectory = { ...one, parent: { callId: 'gone', relation: 'fork', link: 'exact', via: null } }
    expect(print([orphan])).toHaveLength(1)
  })
})

describe('createDuplicates', () => {
  it('lets the first of each through, whole or not at all, and names it for the others', () => {
    const kinds = fc.array(
      fc.tuple(fc.constantFrom('s1', 's2', 's3'), fc.array(fc.constantFrom('d1', 'd2', 'd3', 'd4'), { maxLength: 5 })),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(kinds, scopes => {
        const duplicates = createDuplicates()
        const seen: string[] = []
        let total = 0
        for (const [index, [scope, some]] of scopes.entries()) {
          const prints = some.map((digest, number) => ({ digest, ids: [`${index}-${number}`, `${index}-${number}b`] }))
          const dropped = duplicates.add(scope, prints)
          for (const { digest, ids } of prints) {
            expect(ids.every(id => dropped.has(id))).toBe(ids.some(id => dropped.has(id)))
            if (dropped.has(ids[0] ?? '')) expect(seen).toContain(digest)
            else {
              expect(seen).not.toContain(digest)
              seen.push(digest)
            }
          }
          total += some.length
        }
        expect(duplicates.found()).toHaveLength(total - new Set(seen).size)
      }),
    )
    const duplicates = createDuplicates()
    duplicates.add('first', [{ digest: 'd', ids: ['a'] }])
    expect([...duplicates.add('second', [{ digest: 'd', ids: ['b'] }])]).toEqual(['b'])
    expect(duplicates.found()).toEqual([{ scope: 'second', id: 'b', of: { scope: 'first', id: 'a' } }])
  })
})
