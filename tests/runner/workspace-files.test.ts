import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { listFiles } from '../../runner/workspace-files.ts'
import { makeDirectory } from './_sandbox.ts'

it('lists files and links, and names what it leaves out', async () => {
  const directory = makeDirectory()
  mkdirSync(join(directory, 'a/.git'), { recursive: true })
  writeFileSync(join(directory, 'a/.git/config'), '')
  writeFileSync(join(directory, 'a/b'), 'x')
  writeFileSync(join(directory, 'a/run'), 'xy')
  chmodSync(join(directory, 'a/run'), 0o755)
  writeFileSync(join(directory, 'big'), 'x'.repeat(101))
  mkdirSync(join(directory, 'hollow'))
  mkdirSync(join(directory, 'hidden'))
  writeFileSync(join(directory, 'hidden/token'), 'x')
  symlinkSync('/nowhere', join(directory, 'link'))
  const { files, ...others } = await listFiles(directory, 100, new Set(['hidden/token']))
  expect([...files].map(([path, { mode, bytes }]) => [path, mode, bytes])).toEqual([
    ['a/b', '100644', 1],
    ['a/run', '100755', 2],
    ['link', '120000', 8],
  ])
  expect(others).toEqual({ emptyDirectories: ['hollow'], leftOut: ["a/.git (git's own)", 'big (101 bytes)'] })
})

it('marks a file anew when it was written to, also by who sets its time back', async () => {
  const directory = makeDirectory()
  const file = join(directory, 'a')
  const past = new Date(1_700_000_000_000)
  const list = async () => (await listFiles(directory, 100)).files.get('a')
  writeFileSync(file, 'x')
  utimesSync(file, past, past)
  const first = await list()
  expect(await list()).toEqual(first)
  await new Promise(resolve => setTimeout(resolve, 30))
  writeFileSync(file, 'y')
  utimesSync(file, past, past)
  const second = await list()
  expect(second?.mark).not.toBe(first?.mark)
  expect(second?.changedAtMs).toBeGreaterThan(first?.changedAtMs ?? 0)
})
