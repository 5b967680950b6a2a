import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { TurnpikeError } from '../../../core/errors.ts'
import { blameHog } from '../../../runner/environments/_local-disk.ts'
import { blamesWorkspace } from '../../../runner/verify.ts'
import { makeDirectory } from '../_sandbox.ts'

const full = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
const fail = (root: string, error: Error, hogBytesMin?: number) =>
  blameHog(root, () => Promise.reject(error), hogBytesMin).then(
    () => null,
    (caught: unknown) => caught,
  )

it('blames nobody who holds little of a full disk, and no other trouble on the disk', async () => {
  const root = makeDirectory()
  writeFileSync(join(root, 'small'), 'x')
  const error = full()
  expect(await fail(root, error)).toBe(error)
  const other = new Error('EIO')
  expect(await fail('/nowhere', other)).toBe(other)
  expect(await blameHog(root, async () => 'fine')).toBe('fine')
})

it('blames the trial that holds much of it, also where the trouble is told by a program or wrapped', async () => {
  const root = makeDirectory()
  writeFileSync(join(root, 'fill'), Buffer.alloc(2_000_000, 1))
  const told = new TurnpikeError('E_ENVIRONMENT_FAILED', 'cp: error writing x: No space left on device')
  for (const error of [full(), told, new TurnpikeError('E_ENVIRONMENT_FAILED', 'cannot write', { cause: full() })]) {
    const caught = await fail(root, error, 1_000_000)
    expect(blamesWorkspace(caught)).toBe(true)
    expect((caught as Error).cause).toBe(error)
  }
})
