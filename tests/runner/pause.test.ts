import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { pauseUnlessAborted } from '../../runner/pause.ts'

it('waits as long as it was told, and leaves nothing on the signal', async () => {
  const stop = new AbortController()
  const startedAt = performance.now()
  await pauseUnlessAborted(60, stop.signal)
  expect(performance.now() - startedAt).toBeGreaterThan(50)
  expect(getEventListeners(stop.signal, 'abort')).toEqual([])
})

it('ends at once when it is called off, before or meanwhile', async () => {
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 20)
  // Each alone would be longer than any test may take.
  await pauseUnlessAborted(600_000, stop.signal)
  await pauseUnlessAborted(600_000, stop.signal)
  expect(stop.signal.aborted).toBe(true)
})
