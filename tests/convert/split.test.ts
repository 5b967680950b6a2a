import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ScopeInfo } from '../../convert/source.ts'
import { choosePart, nameUnit, parseSplit, type Split } from '../../convert/split.ts'

function scope(task: string | null, name: string): ScopeInfo {
  return { kind: task === null ? 'session' : 'trial', id: name, name, runId: null, task, agent: null, score: null }
}

const parts = parseSplit('train=0.9,test=0.1')
const split: Split = { parts, by: 'task', seed: '1' }

describe('parseSplit', () => {
  it('reads names and shares', () => {
    expect(parts).toEqual([
      { name: 'train', share: 0.9 },
      { name: 'test', share: 0.1 },
    ])
    expect(parseSplit(' a = .5 , b=0.25,c=0.25')).toHaveLength(3)
    // Sums that binary fractions miss by a hair.
    expect(parseSplit('a=0.7,b=0.2,c=0.1')).toHaveLength(3)
  })

  it.each([
    ['train', 'is no part'],
    ['train=0.9', 'add up to 0.9'],
    ['train=0.9,test=0.2', 'add up to 1.1'],
    ['a=0.5,a=0.5', '"a" is named twice'],
    ['../x=1', 'is no part'],
    ['a=-1,b=2', 'is no part'],
    ['', 'is no part'],
  ])('refuses %j', (text, problem) => expect(() => parseSplit(text)).toThrow(problem))
})

describe('choosePart', () => {
  it('never deals one task to two parts, whatever the trials are called', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string(), { minLength: 1 }), fc.string(), (task, names, seed) => {
        expect(new Set(names.map(name => choosePart({ ...split, seed }, scope(task, name)))).size).toBe(1)
      }),
    )
  })

  it('deals sessions by their name, and trials by theirs when asked to', () => {
    expect(nameUnit(scope(null, 's'), 'task')).toBe(nameUnit(scope(null, 's'), 'session'))
    const dealt = Array.from({ length: 40 }, (_, index) => choosePart({ ...split, by: 'session' }, scope('one', `t${index}`)))
    expect(new Set(dealt).size).toBe(2)
  })

  it('deals about the shares that were asked for, and otherwise with another seed', () => {
    const tasks = Array.from({ length: 4000 }, (_, index) => scope(`task-${index}`, 'x'))
    const deal = (seed: string) => tasks.map(task => choosePart({ ...split, seed }, task))
    const one = deal('1')
    expect(one.filter(part => part === 'test').length / tasks.length).toBeGreaterThan(0.08)
    expect(one.filter(part => part === 'test').length / tasks.length).toBeLessThan(0.12)
    expect(deal('1')).toEqual(one)
    expect(deal('2')).not.toEqual(one)
  })

  it('gives nothing to a part without a share', () => {
    const all = { ...split, parts: parseSplit('a=0,b=1,c=0') }
    for (let index = 0; index < 200; index += 1) expect(choosePart(all, scope(`t${index}`, 'x'))).toBe('b')
  })

  it('stays what it was: published splits must not move', () => {
    const dealt = ['alpha', 'beta', 'gamma', 'delta'].map(task =>
      choosePart({ ...split, parts: parseSplit('a=0.5,b=0.5'), seed: '0' }, scope(task, 'x')),
    )
    expect(dealt).toEqual(['b', 'a', 'b', 'a'])
  })
})
