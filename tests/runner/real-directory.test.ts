import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeRealDirectory } from '../../runner/real-directory.ts'
import { makeDirectory } from './_sandbox.ts'

it('makes directories below the root, keeps those that are there, and goes through no link', async () => {
  const [root, outside] = [makeDirectory(), makeDirectory()]
  mkdirSync(join(root, 'kept'))
  writeFileSync(join(root, 'kept', 'file'), 'text')
  symlinkSync(outside, join(root, 'kept', 'link'))
  writeFileSync(join(root, 'in-the-way'), '')
  expect(await makeRealDirectory(root, '/kept/./link/deep')).toBe(join(root, 'kept/link/deep'))
  expect(await makeRealDirectory(root, 'in-the-way/a')).toBe(join(root, 'in-the-way/a'))
  expect(await makeRealDirectory(root, '.')).toBe(root)
  expect(lstatSync(join(root, 'kept/link')).isDirectory()).toBe(true)
  expect(readFileSync(join(root, 'kept/file'), 'utf8')).toBe('text')
  expect(readdirSync(outside)).toEqual([])
})

it('does not look again at what was made, until it is forgotten', async () => {
  const root = makeDirectory()
  const made = new Set<string>()
  await makeRealDirectory(root, 'a/b', made)
  expect([...made]).toEqual(['a', 'a/b'])
  expect(await makeRealDirectory(root, 'a/b/c', made)).toBe(join(root, 'a/b/c'))
})
