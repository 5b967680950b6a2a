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

function ledger(csv, ...args) {
  writeFileSync(file, csv)
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

const head = 'date,account,amount\n'

test('a quoted field may hold commas', () => {
  assert.equal(ledger(`${head}2026-01-01,"Smith, Jane",12.30\n`, 'balance', file).stdout, 'Smith, Jane 12.30\n')
})

test('two quotes inside quotes are one', () => {
  assert.equal(ledger(`${head}2026-01-01,"the ""Blue"" fund","1"\n`, 'balance', file).stdout, 'the "Blue" fund 1.00\n')
})

test('CRLF line ends', () => {
  assert.equal(ledger('date,account,amount\r\n2026-01-01,a,1\r\n', 'balance', file).stdout, 'a 1.00\n')
})

test('columns in any order, others ignored', () => {
  const csv = 'amount,note,account,date\n3,"x, y",a,2026-01-01\n'
  assert.equal(ledger(csv, 'balance', file).stdout, 'a 3.00\n')
})

test('--account prints one account', () => {
  const csv = `${head}2026-01-01,a,1\n2026-01-01,b,2\n`
  assert.equal(ledger(csv, 'balance', file, '--account', 'b').stdout, 'b 2.00\n')
  assert.equal(ledger(csv, 'balance', file, '--account', 'c').stdout, 'c 0.00\n')
})

test('an amount that is no number names file and line', () => {
  for (const amount of ['ten', '1.234', '', '1e3']) {
    const { status, stdout, stderr } = ledger(`${head}2026-01-01,a,1\n\n2026-01-02,a,${amount}\n`, 'balance', file)
    assert.deepEqual([status, stdout], [1, ''])
    assert.ok(stderr.startsWith(`${file}:4:`), stderr)
  }
})

test('a date that does not exist names file and line', () => {
  for (const date of ['2026-02-30', '2026-13-01', '01.02.2026', '2026-1-1']) {
    const { status, stdout, stderr } = ledger(`${head}${date},a,1\n`, 'balance', file)
    assert.deepEqual([status, stdout], [1, ''])
    assert.ok(stderr.startsWith(`${file}:2:`), stderr)
  }
})

test('a missing column is an error of the header', () => {
  const { status, stderr } = ledger('date,account\n2026-01-01,a\n', 'balance', file)
  assert.equal(status, 1)
  assert.ok(stderr.startsWith(`${file}:1:`), stderr)
})
