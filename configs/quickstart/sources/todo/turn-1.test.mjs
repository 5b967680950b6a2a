import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../todo.sh', import.meta.url))
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'todo-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function todo(...args) {
  const env = { ...process.env, TODO_FILE: join(folder, 'my list.txt') }
  const { status, stdout, stderr } = spawnSync('sh', [program, ...args], { cwd: folder, env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** The texts of the list, whatever stands before them. */
function texts() {
  return todo('list')
    .stdout.split('\n')
    .filter(line => line !== '')
    .map(line => line.replace(/^\d+ (?:\[.\] )?/, ''))
}

test('added entries are listed in order', () => {
  assert.deepEqual(todo('add', 'buy', 'milk'), { status: 0, stdout: 'added 1: buy milk\n', stderr: '' })
  assert.equal(todo('add', 'call home').stdout, 'added 2: call home\n')
  assert.deepEqual(texts(), ['buy milk', 'call home'])
  assert.match(todo('list').stdout, /^1 .*\n2 .*\n$/)
})

test('an empty list prints nothing', () => {
  assert.deepEqual(todo('list'), { status: 0, stdout: '', stderr: '' })
})

test('the list is kept where TODO_FILE says, and nowhere else', () => {
  todo('add', 'x')
  assert.equal(existsSync(join(folder, 'my list.txt')), true)
  assert.equal(existsSync(join(folder, 'todo.txt')), false)
})

test('characters that the shell knows are kept as they are', () => {
  const odd = ['* $HOME `id` "q" \'s\'', 'back\\slash \\n', '-n dash', '100% %s']
  for (const text of odd) todo('add', text)
  assert.deepEqual(texts(), odd)
})

test('wrong use', () => {
  for (const args of [[], ['add'], ['dance']]) {
    const { status, stderr } = todo(...args)
    assert.equal(status, 2)
    assert.match(stderr, /^usage:/)
  }
})
