import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkTmux } from '../../cli/tmux-check.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'turnpike-tmux-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

it.each([
  ['tmux 3.4', 'ok', 'tmux 3.4', null],
  ['tmux 3.0a', 'warn', 'tmux 3.0a is too old', expect.stringContaining('install tmux 3.2')],
])('says what %s is worth', async (printed, state, found, advice) => {
  writeFileSync(join(directory, 'tmux'), `#!/bin/sh\necho "${printed}"\n`, { mode: 0o755 })
  expect(await checkTmux(directory)).toEqual({ name: 'tmux', state, found, advice })
})

it('says when there is none', async () => {
  expect(await checkTmux(directory)).toMatchObject({ state: 'warn', found: 'not found' })
})
