import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJunit } from '../../../runner/results/junit.ts'
import { makeDirectory } from '../_sandbox.ts'

describe('JUnit XML', () => {
  it('reads cases, groups, entities, CDATA, errors and skips', () => {
    const text = `<?xml version="1.0"?>
<!-- made by a test -->
<testsuites><testsuite name="s" tests="99" failures="0">
  <testcase classname="mod.A" name="fine &amp; well" time="0.1"/>
  <testcase classname="mod.A" name='wrong'><failure message="1 &lt; 2">stack</failure></testcase>
  <testcase name="broken"><error><![CDATA[a < b & c]]></error></testcase>
  <testcase name="out"><skipped/></testcase>
</testsuite></testsuites>\n`
    expect(readJunit(text)).toEqual([
      { name: 'mod.A > fine & well', status: 'passed', message: '' },
      { name: 'mod.A > wrong', status: 'failed', message: '1 < 2' },
      { name: 'broken', status: 'error', message: 'a < b & c' },
      { name: 'out', status: 'skipped', message: '' },
    ])
  })

  it('reads what node --test really writes', () => {
    const directory = makeDirectory()
    writeFileSync(
      join(directory, 'a.test.mjs'),
      "import test from 'node:test'\ntest('fine', () => {})\ntest('bad > x', () => { throw new Error('no') })\n",
    )
    const { stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=junit', 'a.test.mjs'], {
      cwd: directory,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    })
    expect(readJunit(stdout)?.map(one => [one.name, one.status])).toEqual([
      ['fine', 'passed'],
      ['bad > x', 'failed'],
    ])
  })

  it('does not take a file that was cut off for a success', () => {
    const whole = '<testsuite><testcase name="a"/><testcase name="b"><failure/></testcase></testsuite>'
    expect(readJunit(whole)?.map(one => one.status)).toEqual(['passed', 'failed'])
    for (let length = 12; length < whole.length; length++) {
      expect(
        readJunit(whole.slice(0, length))?.some(one => one.status === 'error'),
        whole.slice(0, length),
      ).toBe(true)
    }
  })

  it('leaves other text alone and survives any', () => {
    expect(readJunit('<html></html>')).toBeNull()
    expect(readJunit('{}')).toBeNull()
    fc.assert(
      fc.property(fc.string(), text => {
        readJunit(`<testsuite>${text}`)
      }),
    )
  })
})
