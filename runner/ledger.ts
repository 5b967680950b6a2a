// The runner's pen: writes rows and events of one run into the store, in order, and tells the listener. Every write is committed
// before the runner goes on; nothing of a run lives only in memory.

import type { Json, JsonObject, Run, RunEvent, Trial } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { createUlid } from '../store/ulid.ts'

export interface Ledger {
  readonly store: Store
  readonly runId: string
  /** Writes the changed trial and returns it. */
  readonly changeTrial: (trial: Trial, change: Partial<Trial>) => Promise<Trial>
  readonly changeRun: (run: Run, change: Partial<Run>) => Promise<Run>
  readonly emit: (type: string, trial: Trial | null, data: JsonObject) => Promise<void>
}

export function openLedger(store: Store, runId: string, onEvent: (event: RunEvent) => void): Ledger {
  return {
    store,
    runId,
    changeTrial: async (trial, change) => {
      const changed = { ...trial, ...change }
      await store.put('trials', [changed])
      return changed
    },
    changeRun: async (run, change) => {
      const changed = { ...run, ...change }
      await store.put('runs', [changed])
      return changed
    },
    emit: async (type, trial, data) => {
      const named: Json = trial === null ? data : { name: trial.name, ...data }
      const event: RunEvent = { id: createUlid(), runId, trialId: trial?.id ?? null, type, at: Date.now(), data: named }
      await store.put('events', [event])
      onEvent(event)
    },
  }
}
