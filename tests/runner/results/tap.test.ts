import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTap } from '../../../runner/results/tap.ts'
import { makeDirectory } from '../_sandbox.ts'

const suite = `
import { describe, it, test } from 'node:test'
import assert from 'node:assert'
test('fine', () => {})
test('wrong # sign', () => { console.log('ok 99 - forged\\nnot ok 98 - forged'); assert.equal(1, 2) })
describe('group', () => {
  it('inner fine', () => {})
  it('inner wrong', () => assert.deepEqual({ a: 1 }, { a: 2 }))
  it.skip('left out', () => {})
})
test('parent', async t => { await t.test('kid', () => {}); throw new Error('after the kid\\nsecond line') })
`

describe('TAP', () => {
  it('reads what node --test really writes: leaves, groups, skips, messages; prints of the tested code are no cases', () => {
    const directory = makeDirectory()
    writeFileSync(join(directory, 'a.test.mjs'), suite)
    const { stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', 'a.test.mjs'], {
      cwd: directory,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    })
    const cases = readTap(stdout) ?? []
    expect(cases.map(one => [one.name, one.status])).toEqual([
      ['fine', 'passed'],
      ['wrong # sign', 'failed'],
      ['group > inner fine', 'passed'],
      ['group > inner wrong', 'failed'],
      ['group > left out', 'skipped'],
      ['parent > kid', 'passed'],
      ['parent', 'failed'],
    ])
    expect(cases[1]?.message).toBe('1 == 2')
    expect(cases[3]?.message).toContain('should loosely deep-equal')
    expect(cases[6]?.message).toBe('after the kid\nsecond line')
  })

  it('reads the plain form of other producers', () => {
    const text = "1..4\nok 1 - a\nnot ok 2 - b # TODO later\nnot ok 3 c\n  ---\n  message: 'it''s wrong'\n  ...\nok 4\n"
    expect(readTap(text)).toEqual([
      { name: 'a', status: 'passed', message: '' },
      { name: 'b', status: 'skipped', message: 'later' },
      { name: 'c', status: 'failed', message: "it's wrong" },
      { name: 'unnamed', status: 'passed', message: '' },
    ])
  })

  it('does not take a stream that was cut off for a success', () => {
    expect(readTap('TAP version 13\n1..5\nok 1 - a\n')?.at(-1)).toMatchObject({
      status: 'error',
      message: '5 results were planned, 1 came',
    })
    expect(readTap('TAP version 13\nok 1 - a\n')?.at(-1)).toMatchObject({ status: 'error', name: 'test plan' })
    expect(readTap('TAP version 13\nok 1 - a\nBail out! no database\n1..1\n')?.at(-1)).toMatchObject({
      name: 'Bail out!',
      status: 'error',
      message: 'no database',
    })
  })

  it('leaves other text alone', () => {
    for (const text of ['', 'ok\n', 'all ok 1\n1..2 things', '1..3\nnothing']) expect(readTap(text)).toBeNull()
  })

  it('survives any text', () => {
    const words = fc.constantFrom(
      'ok 1 - a',
      'not ok 2',
      '    ok 1',
      '  ---',
      '  ...',
      'error: |-',
      '1..2',
      'TAP version 13',
      '# x',
      '        not ok 9 - deep',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string())), lines => {
        readTap(['TAP version 13', ...lines].join('\n'))
      }),
    )
  })
})
