import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openFigures } from '../../cli/live-figures.ts'
import type { RunEvent } from '../../core/types.ts'
import type { Account } from '../../proxy/budget-accounts.ts'
import { openClock } from '../../proxy/budget-clock.ts'
import { openTally } from '../../proxy/budget-tally.ts'
import type { TrialFigures } from '../../report/live-state.ts'
import type { Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'

let directory: string
let store: Store
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnpike-figures-'))
  store = await openStore(join(directory, 'store'), {})
})
afterAll(async () => {
  await store.close()
  await rm(directory, { recursive: true })
})

function openAccount(id: string, hasRun = true): Account {
  const purse = (name: string) => ({ id: name, name, tally: openTally(), clock: openClock(null) })
  return { ...purse(id), scope: { kind: 'trial', id }, run: hasRun ? purse('run-1') : null, callsBefore: 0, inFlight: 0 }
}

function open() {
  const shown: TrialFigures[] = []
  const events: RunEvent[] = []
  const board = openFigures(store, { show: one => shown.push(one), onEvent: one => events.push(one) })
  const meter = (account: Account): void =>
    board.listeners.onMetered?.({ exchangeId: 'x', account, protocol: 'p', route: 'r', charge: null })
  return { board, shown, events, meter }
}

it('shows each change at once, and writes the last one of a while', async () => {
  const { board, shown, events, meter } = open()
  const account = openAccount('t1')
  account.tally.calls = 1
  account.inFlight = 1
  meter(account)
  account.tally.tokens.input = 70
  account.inFlight = 0
  if (account.run) account.run.tally.calls = 5
  meter(account)
  expect(shown.map(one => [one.inFlight, one.trial.tokens.input, one.run?.calls])).toEqual([
    [1, 0, 0],
    [0, 70, 5],
  ])
  expect(events).toEqual([])
  await board.flush()
  expect(events).toMatchObject([
    { type: 'trial-metered', trialId: 't1', runId: 'run-1', data: { name: 't1', calls: 1, tokens: { input: 70 } } },
  ])
  expect(await store.list('events', { trialId: 't1' })).toEqual(events)
})

it('says which provider holds a call up, until none does', async () => {
  const { board, shown, events } = open()
  const account = openAccount('t2')
  const call = (exchangeId: string, provider: string) => ({ exchangeId, account, provider })
  board.listeners.onWaiting?.(call('a', 'anthropic'))
  board.listeners.onWaiting?.(call('b', 'openai'))
  board.listeners.onWaited?.({ ...call('a', 'anthropic'), ms: 1200.4, ended: 'forwarded' })
  board.listeners.onWaited?.({ ...call('b', 'openai'), ms: 3, ended: 'aborted' })
  expect(shown.map(one => one.heldBy)).toEqual(['anthropic', 'anthropic', 'openai', null])
  await board.flush()
  expect(events.map(one => [one.type, one.data])).toEqual([
    ['call-waited', { name: 't2', exchange: 'a', provider: 'anthropic', ms: 1200, ended: 'forwarded' }],
    ['call-waited', { name: 't2', exchange: 'b', provider: 'openai', ms: 3, ended: 'aborted' }],
  ])
})

it('has nothing to say of sessions', async () => {
  const { board, shown, events, meter } = open()
  meter(openAccount('s1', false))
  await board.flush()
  expect([shown, events]).toEqual([[], []])
})
