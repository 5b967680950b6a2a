// Opens the store a command names, hands it to the command and closes it whatever happens.

import { existsSync } from 'node:fs'
import { TurnpikeError } from '../core/errors.ts'
import type { OpenOptions, Store } from '../store/_adapter.ts'
import { openStore } from '../store/open.ts'
import type { CommandContext } from './commands/_command.ts'

/** A store that must be there already: looking must not make one. */
export async function useStore<T>(
  context: CommandContext,
  options: OpenOptions,
  action: (store: Store) => Promise<T>,
): Promise<T> {
  const directory = context.config.store
  if (!existsSync(directory))
    throw new TurnpikeError('E_STORE_UNREADABLE', `there is no store at ${directory}`, {
      hint: 'name one with --store or TURNPIKE_STORE, or record something first: turnpike proxy --simulated',
    })
  return useStoreAt(directory, options, action)
}

export async function useStoreAt<T>(directory: string, options: OpenOptions, action: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(directory, options)
  try {
    return await action(store)
  } finally {
    await store.close()
  }
}
