import { describe, expect, it } from 'vitest'
import type { ExecResult } from '../../../runner/processes.ts'
import { type Evidence, reachVerdict } from '../../../runner/results/verdict.ts'

const exited = (exit: number | null, stdout = ''): ExecResult => ({
  ended: 'exited',
  exit,
  stdout,
  stderr: '',
  ms: 1,
  startFailure: null,
})
const verdict = (change: Partial<Evidence>) =>
  reachVerdict({ result: exited(0), report: null, timeoutMs: 50, nodeTestFiles: [], workspace: '/w/space', ...change })
const tap = (...lines: string[]): string => ['TAP version 13', ...lines, `1..${lines.length}`, ''].join('\n')

describe('the verdict on an attempt', () => {
  it('counts the exit status as the one case when nothing was reported', () => {
    expect(verdict({})).toEqual({
      passed: true,
      tests: [{ name: 'exit status', status: 'passed', message: '' }],
      testsPassed: 1,
      testsTotal: 1,
    })
    expect(verdict({ result: exited(3) })).toMatchObject({ passed: false, testsPassed: 0, testsTotal: 1 })
    expect(verdict({ result: exited(null) }).tests[0]?.message).toBe('the verifier was ended by a signal')
    const told = verdict({ result: { ...exited(2), stdout: 'noise', stderr: 'FileNotFoundError: /w/space/a.py' } }).tests[0]
      ?.message
    expect(told).toBe('the verifier ended with exit status 2:\nFileNotFoundError: a.py')
  })

  it('fails when the exit status fails although every case passed, and the reverse', () => {
    expect(verdict({ result: exited(1, tap('ok 1 - a')) })).toMatchObject({ passed: false, testsPassed: 1, testsTotal: 2 })
    expect(verdict({ result: exited(0, tap('ok 1 - a', 'not ok 2 - b')) })).toMatchObject({
      passed: false,
      testsPassed: 1,
      testsTotal: 2,
    })
    expect(verdict({ result: exited(1, tap('ok 1 - a', 'not ok 2 - b')) }).tests).toHaveLength(2)
  })

  it('passes with passing cases, skipped ones outside the count', () => {
    expect(verdict({ result: exited(0, tap('ok 1 - a', 'ok 2 - b # SKIP')) })).toMatchObject({
      passed: true,
      testsPassed: 1,
      testsTotal: 1,
    })
    expect(verdict({ result: exited(0, tap('ok 1 - a # SKIP')) })).toMatchObject({ passed: false })
    expect(verdict({ report: '[]' })).toMatchObject({ passed: true, testsTotal: 1 })
  })

  it('fails on a timeout whatever was printed before', () => {
    const result = { ...exited(null, tap('ok 1 - a')), ended: 'timed-out' as const }
    expect(verdict({ result })).toMatchObject({ passed: false, testsPassed: 1, testsTotal: 2 })
  })

  it('reads the report before the output, but a report cannot hide a failure that was printed', () => {
    expect(verdict({ report: '<testsuite><testcase name="x"/></testsuite>', result: exited(0, 'noise') }).tests).toEqual([
      { name: 'x', status: 'passed', message: '' },
    ])
    expect(verdict({ report: '[{"name":"x","passed":true}]', result: exited(0, tap('not ok 1 - y')) })).toMatchObject({
      passed: false,
      testsPassed: 1,
      testsTotal: 2,
    })
    expect(verdict({ report: 'garbage' }).passed).toBe(false)
  })

  it('does not believe a test file that ended before its tests had reported', () => {
    const result = exited(0, tap('ok 1 - /w/space/t/a.test.mjs'))
    expect(verdict({ result }).passed).toBe(true)
    expect(verdict({ result, nodeTestFiles: ['t/a.test.mjs'] })).toMatchObject({
      passed: false,
      tests: [{ name: 't/a.test.mjs', status: 'error' }],
    })
  })

  it('takes the directory of the trial out of names and keeps equal names apart', () => {
    const result = exited(1, tap('not ok 1 - /w/space/a', 'ok 2 - same', 'ok 3 - same'))
    expect(verdict({ result }).tests.map(test => test.name)).toEqual(['a', 'same', 'same (2)'])
  })
})
