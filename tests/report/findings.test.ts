import { expect, it } from 'vitest'
import type { RunEvent } from '../../core/types.ts'
import { countClasses, findingTypes, warnOfFindings, writeClasses } from '../../report/findings.ts'

let events = 0
const event = (type: string, data: RunEvent['data']): RunEvent => ({
  id: String(++events),
  runId: 'r',
  trialId: 't',
  type,
  at: 0,
  data,
})

it('counts failed attempts by cause, most frequent first', () => {
  const list = ['crash', 'no-edit', 'crash', 'budget'].map(primary => event('failure-classified', { primary, labels: [primary] }))
  const classes = countClasses([...list, event('leak-found', { primary: 'crash' }), event('failure-classified', null)])
  expect(classes).toEqual([
    { name: 'crash', attempts: 2 },
    { name: 'budget', attempts: 1 },
    { name: 'no-edit', attempts: 1 },
  ])
  expect(writeClasses(classes)).toBe('failed attempts by cause: crash 2, budget 1, no-edit 1')
})

it('warns of leaks by how sure they are, each trial once, and of trials that nothing held in', () => {
  const leak = (name: string, kind: string) => event('leak-found', { name, kind })
  const open = (isolation: string) => event('environment-opened', { isolation })
  const warnings = warnOfFindings([
    leak('b', 'canary'),
    leak('a', 'canary'),
    leak('b', 'canary'),
    leak('c', 'lines'),
    open('none'),
    open('sandbox'),
  ])
  expect(warnings).toEqual([
    expect.stringMatching(/^hidden tests reached the model in a, b: /),
    expect.stringMatching(/^several lines of hidden tests stand in requests of c: /),
    expect.stringMatching(/^1 of 2 trials ran without a sandbox/),
  ])
  expect(warnOfFindings([open('sandbox'), open('container')])).toEqual([])
})

it('warns of programs that were replaced and of rewards that contradict their tests', () => {
  const replaced = (name: string, paths: string[]) => event('tampering-found', { name, paths, count: paths.length })
  const verified = (flags: string[]) => event('attempt-verified', { passed: true, ...(flags.length > 0 ? { flags } : {}) })
  const warnings = warnOfFindings([
    replaced('b', ['/bin/sh', '/usr/bin/node']),
    replaced('a', ['/bin/sh', '/usr/bin/git', '/usr/bin/env']),
    verified([]),
    verified(['one says this']),
    verified(['another that']),
  ])
  expect(warnings).toEqual([
    expect.stringMatching(
      /^programs or start files of the system were replaced in a, b \(\/bin\/sh, \/usr\/bin\/node, \/usr\/bin\/git\): /,
    ),
    'rewards and tests contradict each other in 2 attempts, such as: one says this',
  ])
  expect(warnOfFindings([verified([])])).toEqual([])
})

it('names the events that it reads', () => {
  expect([...findingTypes].sort()).toEqual(
    ['attempt-verified', 'environment-opened', 'failure-classified', 'leak-found', 'tampering-found'].sort(),
  )
})
