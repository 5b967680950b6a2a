import { expect, it } from 'vitest'
import type { RunEvent } from '../../core/types.ts'
import { openLedger } from '../../runner/ledger.ts'
import { openBench } from './_tasks.ts'

it('has written an event before anyone hears of it, in order', async () => {
  const { store } = await openBench()
  const heard: RunEvent[] = []
  const known: Array<Promise<number>> = []
  const ledger = openLedger(store, 'run', event => {
    heard.push(event)
    known.push(store.list('events').then(events => events.filter(one => one.id === event.id).length))
  })
  for (let count = 0; count < 5; count++) await ledger.emit('run-started', null, { count })
  expect(await Promise.all(known)).toEqual([1, 1, 1, 1, 1])
  expect(await store.list('events')).toEqual(heard)
  expect(heard.map(event => event.data)).toEqual([0, 1, 2, 3, 4].map(count => ({ count })))
})
