// Figures of trials on their way from the meter: at once to whoever shows them, and as the events `trial-metered` and `call-waited` into
// the store, and to whoever listens. Counts nothing itself but the calls that are held up.

import type { JsonObject, RunEvent } from '../core/types.ts'
import type { Account, Purse } from '../proxy/budget-accounts.ts'
import type { Metered } from '../proxy/meter.ts'
import type { RateWait, RateWaiting } from '../proxy/rate.ts'
import type { TrialFigures } from '../report/live-state.ts'
import type { LiveFigures } from '../report/live-words.ts'
import type { Store } from '../store/_adapter.ts'
import { createUlid } from '../store/ulid.ts'
import type { TollListeners } from './toll.ts'

export interface FigureBoard {
  readonly listeners: TollListeners
  /** Writes what has not been written yet. */
  readonly flush: () => Promise<void>
}

export interface FigureReaders {
  readonly show: (figures: TrialFigures) => void
  readonly onEvent: (event: RunEvent) => void
}

/** A trial's figures are written as an event at most this often. */
const eventEveryMs = 2_000

export function openFigures(store: Store, { show, onEvent }: FigureReaders): FigureBoard {
  const changed = new Map<string, Account>()
  const held = createHeld()
  let writing: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | null = null
  const put = (events: readonly RunEvent[]): void => {
    if (events.length === 0) return
    // A store that cannot be written refuses the calls themselves, and says so there.
    writing = writing.then(() => store.put('events', events)).catch(() => undefined)
    for (const event of events) onEvent(event)
  }
  const write = (): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    put([...changed.values()].flatMap(account => nameEvent(account, 'trial-metered', writeFigures(account))))
    changed.clear()
  }
  const tell = (account: Account): void => show(readTrial(account, held.providerOf(account.id)))
  const onMetered = ({ account }: Metered): void => {
    if (account.run === null) return
    tell(account)
    changed.set(account.id, account)
    timer ??= setTimeout(write, eventEveryMs)
  }
  const onWaiting = (waiting: RateWaiting): void => {
    held.add(waiting)
    if (waiting.account !== null && waiting.account.run !== null) tell(waiting.account)
  }
  const onWaited = (wait: RateWait): void => {
    held.remove(wait)
    const { account, provider, ms, ended, exchangeId } = wait
    if (account === null || account.run === null) return
    tell(account)
    put(nameEvent(account, 'call-waited', { exchange: exchangeId, provider, ms: Math.round(ms), ended }))
  }
  return {
    listeners: { onMetered, onWaiting, onWaited },
    flush: () => {
      write()
      return writing
    },
  }
}

/** Calls that a rate limit holds, by trial. */
function createHeld() {
  const byTrial = new Map<string, Map<string, string>>()
  return {
    add: ({ account, exchangeId, provider }: RateWaiting): void => {
      if (account === null) return
      byTrial.set(account.id, (byTrial.get(account.id) ?? new Map<string, string>()).set(exchangeId, provider))
    },
    remove: ({ account, exchangeId }: RateWaiting): void => {
      const calls = byTrial.get(account?.id ?? '')
      calls?.delete(exchangeId)
      if (calls?.size === 0) byTrial.delete(account?.id ?? '')
    },
    providerOf: (trialId: string): string | null => [...(byTrial.get(trialId)?.values() ?? [])][0] ?? null,
  }
}

function readTrial(account: Account, heldBy: string | null): TrialFigures {
  const run = account.run === null ? null : readFigures(account.run)
  return { trialId: account.id, at: Date.now(), trial: readFigures(account), run, inFlight: account.inFlight, heldBy }
}

/** A copy: what is shown must not change behind the view's back. */
function readFigures({ tally }: Purse): LiveFigures {
  const { calls, tokens, nanoUsd, pricedCalls, unpricedCalls } = tally
  return { calls, tokens: { ...tokens }, nanoUsd, pricedCalls, unpricedCalls }
}

function nameEvent(account: Account, type: string, data: JsonObject): RunEvent[] {
  if (account.run === null) return []
  return [
    { id: createUlid(), runId: account.run.id, trialId: account.id, type, at: Date.now(), data: { name: account.name, ...data } },
  ]
}

function writeFigures({ tally }: Account): JsonObject {
  const { calls, tokens, nanoUsd, pricedCalls, unpricedCalls, unknownCalls, partialCalls } = tally
  return { calls, tokens: { ...tokens }, nanoUsd, pricedCalls, unpricedCalls, unknownCalls, partialCalls }
}
