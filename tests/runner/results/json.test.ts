import { describe, expect, it } from 'vitest'
import { readJsonReport } from '../../../runner/results/json.ts'

describe('JSON reports', () => {
  it('reads CTRF', () => {
    const tests = [
      { name: 'a', status: 'passed', duration: 1 },
      { name: 'b', status: 'failed', message: 'no' },
      { name: 'c', status: 'pending' },
      { name: 'd', status: 'other' },
    ]
    expect(readJsonReport(JSON.stringify({ results: { tool: { name: 'x' }, tests } }))?.map(one => one.status)).toEqual([
      'passed',
      'failed',
      'skipped',
      'error',
    ])
  })

  it('reads the simple forms', () => {
    const list = [
      { name: 'a', passed: true },
      { name: 'b', passed: false, message: 'why' },
    ]
    const expected = [
      { name: 'a', status: 'passed', message: '' },
      { name: 'b', status: 'failed', message: 'why' },
    ]
    expect(readJsonReport(JSON.stringify(list))).toEqual(expected)
    expect(readJsonReport(JSON.stringify({ tests: list }))).toEqual(expected)
  })

  it('never reads a pass out of what it does not understand', () => {
    for (const text of [
      '[1]',
      '[null]',
      '[{"name":"a"}]',
      '[{"name":"a","status":"PASSED"}]',
      '{"ok":true}',
      '[{"name":"a","passed":tr',
    ]) {
      expect(
        readJsonReport(text)?.map(one => one.status),
        text,
      ).toEqual(['error'])
    }
    expect(readJsonReport('passed')).toBeNull()
  })
})
