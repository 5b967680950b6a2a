import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../todo.sh', import.meta.url))
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'todo-'))
  for (const text of ['Buy milk', 'pay 3.50 to Ann', 'pay 3x50 to Bob', 'star * here', '-v is a flag']) todo('add', text)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function todo(...args) {
  const env = { ...process.env, TODO_FILE: join(folder, 'list.txt') }
  const { status, stdout, stderr } = spawnSync('sh', [program, ...args], { cwd: folder, env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('search keeps numbers and marks', () => {
  todo('done', '3')
  assert.deepEqual(todo('search', 'pay'), { status: 0, stdout: '2 [ ] pay 3.50 to Ann\n3 [x] pay 3x50 to Bob\n', stderr: '' })
})

test('search does not care for case', () => {
  assert.equal(todo('search', 'MILK').stdout, '1 [ ] Buy milk\n')
})

test('every character of the search stands for itself', () => {
  assert.equal(todo('search', '3.50').stdout, '2 [ ] pay 3.50 to Ann\n')
  assert.equal(todo('search', '*').stdout, '4 [ ] star * here\n')
  assert.equal(todo('search', '-v').stdout, '5 [ ] -v is a flag\n')
})

test('marks and numbers are not searched', () => {
  todo('done', '1')
  assert.equal(todo('search', 'x').stdout, '3 [ ] pay 3x50 to Bob\n')
  assert.equal(todo('search', '[').status, 1)
})

test('nothing found', () => {
  assert.deepEqual(todo('search', 'coffee'), { status: 1, stdout: '', stderr: '' })
})

test('rm removes one entry and the others move up', () => {
  todo('done', '5')
  assert.deepEqual(todo('rm', '4'), { status: 0, stdout: 'removed 4: star * here\n', stderr: '' })
  const list = '1 [ ] Buy milk\n2 [ ] pay 3.50 to Ann\n3 [ ] pay 3x50 to Bob\n4 [x] -v is a flag\n'
  assert.equal(todo('list').stdout, list)
})

test('rm of an entry that is not there', () => {
  assert.deepEqual(todo('rm', '6'), { status: 1, stdout: '', stderr: 'no entry: 6\n' })
})
