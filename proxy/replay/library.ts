// What a replay may answer from: the exchanges of a REF, and for each trial or session that replays, which of them are still unused.
// A trial is answered from the recorded trial of the same name where the REF is a run that has one, everything else from the whole REF.

import { TurnpikeError } from '../../core/errors.ts'
import type { Exchange, Scope } from '../../core/types.ts'
import type { Ref, Store } from '../../store/_adapter.ts'
import { headerValue } from '../headers.ts'
import type { RecordedAnswer } from './playback.ts'
import { createShelf, type Shelf, type Shelved } from './shelf.ts'

/** What one replaying trial or session has used up. Each begins with the whole recording. */
export interface ShelfView {
  readonly shelf: Shelf
  readonly used: Set<Shelved>
}

export interface ReplayLibrary {
  readonly ref: Ref
  /** Exchanges to answer from. */
  readonly size: number
  /** A simulated provider gave the recorded answers. */
  readonly simulated: boolean
  readonly viewFor: (scope: Scope) => Promise<ShelfView>
  readonly readAnswer: (entry: Shelved) => Promise<RecordedAnswer>
}

export interface LibraryOptions {
  /** Where the recording lies. */
  readonly store: Store
  readonly ref: string
  /** Where the replaying trials are; the same store unless the recording lies elsewhere. */
  readonly live: Store
}

/** Throws E_REF_UNKNOWN or E_REF_AMBIGUOUS, and E_USAGE when there is nothing to answer from. */
export async function openLibrary({ store, ref: name, live }: LibraryOptions): Promise<ReplayLibrary> {
  const ref = await store.resolveRef(name)
  const exchanges = await listExchanges(store, ref)
  const whole = createShelf(store, exchanges)
  if (whole.size === 0)
    throw new TurnpikeError('E_USAGE', `the ${ref.kind} ${ref.name} holds no exchange to answer from`, {
      hint: 'name a recording with calls in it: turnpike runs, turnpike trials, turnpike sessions',
    })
  const shelves = new Map<string, Promise<Shelf>>()
  const shelfOfTrial = async (trialId: string): Promise<Shelf> => {
    if (ref.kind !== 'run') return whole
    const [trial] = await live.list('trials', { id: trialId })
    const [recorded] = trial === undefined ? [] : await store.list('trials', { runId: ref.id, name: trial.name })
    if (recorded === undefined) return whole
    return keepFirst(shelves, recorded.id, async () => createShelf(store, await store.exchanges({ scopeId: recorded.id })))
  }
  const views = new Map<string, Promise<ShelfView>>()
  return {
    ref,
    size: whole.size,
    simulated: await isSimulated(store, ref, exchanges),
    viewFor: scope =>
      keepFirst(views, scope.id, async () => ({
        shelf: scope.kind === 'trial' ? await shelfOfTrial(scope.id) : whole,
        used: new Set(),
      })),
    readAnswer: async ({ id }) => {
      const [exchange] = await store.exchanges({ id })
      if (exchange === undefined) throw new TurnpikeError('E_STORE_CORRUPT', `the exchange ${id} is no longer in the store`)
      return { exchange, body: await store.readBody(id, 'response'), arrivals: await store.readArrivals(id) }
    },
  }
}

/** Requests come at once: all must get the same object, and a failure must not stay. */
function keepFirst<T>(kept: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = kept.get(key)
  if (known !== undefined) return known
  const made = make().catch((error: unknown) => {
    kept.delete(key)
    throw error
  })
  kept.set(key, made)
  return made
}

function listExchanges(store: Store, ref: Ref): Promise<Exchange[]> {
  if (ref.kind === 'exchange') return store.exchanges({ id: ref.id })
  return store.exchanges(ref.kind === 'run' ? { runId: ref.id } : { scopeId: ref.id })
}

/** A replayed simulated answer still carries the provider's header, so a replay of a replay is known for what it is. */
async function isSimulated(store: Store, ref: Ref, exchanges: readonly Exchange[]): Promise<boolean> {
  const [trial] = ref.kind === 'trial' ? await store.list('trials', { id: ref.id }) : []
  const runId = ref.kind === 'run' ? ref.id : trial?.runId
  const [run] = runId === undefined ? [] : await store.list('runs', { id: runId })
  if (run?.simulated === true) return true
  return exchanges.some(
    ({ route, responseHeaders }) => route === 'simulated' || headerValue(responseHeaders ?? [], 'x-turnpike-simulated') !== null,
  )
}
