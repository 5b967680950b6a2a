import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { canExecute, isOnPath } from '../../runner/file-access.ts'
import { makeDirectory } from './_sandbox.ts'

it('finds a program that can be run in one of the folders of a path, and nowhere else', () => {
  const directory = makeDirectory()
  mkdirSync(join(directory, 'bin'))
  writeFileSync(join(directory, 'bin', 'tool'), '#!/bin/sh\n')
  expect(canExecute(join(directory, 'bin', 'tool'))).toBe(false)
  chmodSync(join(directory, 'bin', 'tool'), 0o755)
  expect(canExecute(join(directory, 'bin', 'tool'))).toBe(true)
  expect(isOnPath('tool', `/nowhere:${join(directory, 'bin')}`)).toBe(true)
  expect(isOnPath('tool', `/nowhere:${directory}`)).toBe(false)
  expect(isOnPath('another', join(directory, 'bin'))).toBe(false)
  // An empty part would be the working directory, or with a leading slash the root.
  expect(isOnPath(join(directory, 'bin', 'tool').slice(1), '')).toBe(false)
})
