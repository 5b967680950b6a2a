import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { listFiles } from '../../runner/workspace-files.ts'
import { makeDirectory } from './_sandbox.ts'

it('lists files and links, and names what it leaves out', async () => {
  const directory = makeDirectory()
  mkdirSync(join(directory, 'a/.git'), { recursive: true })
  writeFileSync(join(directory, 'a/.git/config'), '')
  writeFileSync(join(directory, 'a/b'), 'x')
  writeFileSync(join(directory, 'big'), 'x'.repeat(101))
  mkdirSync(join(directory, 'hollow'))
  symlinkSync('/nowhere', join(directory, 'link'))
  expect(await listFiles(directory, 100)).toEqual({
    files: new Set(['a/b', 'link']),
    emptyDirectories: ['hollow'],
    leftOut: ["a/.git (git's own)", 'big (101 bytes)'],
  })
})
