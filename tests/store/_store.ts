// A store in a temp directory that is gone when the test has finished.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { OpenOptions, Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'

export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-store-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export async function openTemporary(options: OpenOptions = {}): Promise<Store> {
  const store = await openStore(await makeDirectory(), options)
  onTestFinished(() => store.close())
  return store
}
