import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../ledger.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ledger-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function ledger(csv, ...args) {
  const file = join(folder, 'data.csv')
  writeFileSync(file, csv)
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args.map(arg => (arg === 'FILE' ? file : arg))], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const head = 'date,account,amount\n'

test('sums per account, sorted by name', () => {
  const csv = `${head}2026-01-01,cash,10\n2026-01-02,bank,5.5\n2026-01-03,cash,-2.25\n`
  assert.deepEqual(ledger(csv, 'balance', 'FILE'), { status: 0, stdout: 'bank 5.50\ncash 7.75\n', stderr: '' })
})

test('cents below one and below zero are written in full', () => {
  assert.equal(ledger(`${head}2026-01-01,a,-0.05\n2026-01-01,b,0.5\n`, 'balance', 'FILE').stdout, 'a -0.05\nb 0.50\n')
})

test('small amounts add up exactly', () => {
  assert.equal(ledger(head + '2026-01-01,a,0.10\n'.repeat(1000), 'balance', 'FILE').stdout, 'a 100.00\n')
})

test('big sums lose no cent', () => {
  const csv = `${head}2026-01-01,a,9007199254740993.01\n2026-01-01,a,0.01\n`
  assert.equal(ledger(csv, 'balance', 'FILE').stdout, 'a 9007199254740993.02\n')
})

test('blank lines are passed over', () => {
  assert.equal(ledger(`${head}\n2026-01-01,a,1\n\n`, 'balance', 'FILE').stdout, 'a 1.00\n')
})

test('a file that cannot be read', () => {
  const { status, stdout, stderr } = ledger(head, 'balance', join(folder, 'nowhere.csv'))
  assert.equal(status, 1)
  assert.equal(stdout, '')
  assert.equal(stderr.trim().split('\n').length, 1)
})

test('wrong use', () => {
  for (const args of [[], ['balance'], ['dance', 'FILE']]) {
    const { status, stderr } = ledger(head, ...args)
    assert.equal(status, 2)
    assert.match(stderr, /^usage:/)
  }
})
