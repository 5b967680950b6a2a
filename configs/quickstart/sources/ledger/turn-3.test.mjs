import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../ledger.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ledger-'))
const file = join(folder, 'data.csv')
after(() => rmSync(folder, { recursive: true, force: true }))

function report(rows, ...args) {
  writeFileSync(file, ['date,account,amount', ...rows, ''].join('\n'))
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'report', file, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

const rows = ['2026-03-01,b,7', '2026-02-28,a,-5.25', '2026-01-31,a,100', '2026-02-01,b,20.50', '2026-02-10,b,0']

test('opening, in, out and closing of a month', () => {
  assert.deepEqual(report(rows, '--month', '2026-02'), {
    status: 0,
    stdout: 'opening 100.00\nin 20.50\nout -5.25\nclosing 115.25\n',
    stderr: '',
  })
})

test('a month before everything', () => {
  assert.equal(report(rows, '--month', '2025-12').stdout, 'opening 0.00\nin 0.00\nout 0.00\nclosing 0.00\n')
})

test('a month after everything', () => {
  assert.equal(report(rows, '--month', '2026-04').stdout, 'opening 122.25\nin 0.00\nout 0.00\nclosing 122.25\n')
})

test('a month that is none is wrong use', () => {
  for (const args of [['--month', '2026-13'], ['--month', '26-1'], ['--month', '2026-00'], ['--month'], []]) {
    const { status, stdout, stderr } = report(rows, ...args)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, /^usage:/)
  }
})

test('an error outside the month is an error', () => {
  const { status, stdout, stderr } = report([...rows, '2030-01-01,a,x'], '--month', '2026-02')
  assert.deepEqual([status, stdout], [1, ''])
  assert.ok(stderr.startsWith(`${file}:7:`), stderr)
})
