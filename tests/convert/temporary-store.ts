// A real store in a directory of its own, gone after the test.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'

export async function withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-derive-'))
  const store = await openStore(directory)
  try {
    return await use(store)
  } finally {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
}
