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
  for (const text of ['milk', 'bread [x]', 'tea']) todo('add', text)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function todo(...args) {
  const env = { ...process.env, TODO_FILE: join(folder, 'list.txt') }
  const { status, stdout, stderr } = spawnSync('sh', [program, ...args], { cwd: folder, env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('new entries are open', () => {
  assert.equal(todo('list').stdout, '1 [ ] milk\n2 [ ] bread [x]\n3 [ ] tea\n')
})

test('done marks one entry', () => {
  assert.deepEqual(todo('done', '2'), { status: 0, stdout: 'done 2: bread [x]\n', stderr: '' })
  assert.equal(todo('list').stdout, '1 [ ] milk\n2 [x] bread [x]\n3 [ ] tea\n')
})

test('done twice changes nothing', () => {
  todo('done', '1')
  assert.deepEqual(todo('done', '1'), { status: 0, stdout: 'done 1: milk\n', stderr: '' })
  assert.equal(todo('list').stdout, '1 [x] milk\n2 [ ] bread [x]\n3 [ ] tea\n')
})

test('--open keeps the numbers', () => {
  todo('done', '1')
  assert.equal(todo('list', '--open').stdout, '2 [ ] bread [x]\n3 [ ] tea\n')
})

test('an entry that is not there is refused', () => {
  for (const number of ['0', '4', '99', '-1', 'two', '1x', '']) {
    assert.deepEqual(todo('done', number), { status: 1, stdout: '', stderr: `no entry: ${number}\n` })
  }
  assert.equal(todo('list').stdout, '1 [ ] milk\n2 [ ] bread [x]\n3 [ ] tea\n')
})

test('numbering goes on after something was finished', () => {
  todo('done', '3')
  assert.equal(todo('add', 'jam').stdout, 'added 4: jam\n')
})
