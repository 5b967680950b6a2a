import { expect, it } from 'vitest'
import { createPace } from '../../proxy/pace.ts'
import { eventually } from '../client.ts'

function rig() {
  const state = { running: true, pending: 0 }
  const run = (running: boolean) => () => {
    state.running = running
  }
  const upstream = { pause: run(false), resume: run(true), abort: () => undefined, retries: () => 0 }
  return {
    state,
    pace: createPace(
      () => upstream,
      () => state.pending,
      1000,
    ),
  }
}

it('an agent that does not read pauses the upstream until it has', () => {
  const { state, pace } = rig()
  pace.agentIsFull()
  expect(state.running).toBe(false)
  pace.agentHasRead()
  expect(state.running).toBe(true)
})

it('a store that falls behind pauses the upstream until it has caught up by half', async () => {
  const { state, pace } = rig()
  state.pending = 1001
  pace.checkStore()
  expect(state.running).toBe(false)
  state.pending = 900
  await new Promise(resolve => setTimeout(resolve, 40))
  expect(state.running).toBe(false)
  state.pending = 500
  await eventually(() => expect(state.running).toBe(true))
  pace.close()
})

it('both must be ready', async () => {
  const { state, pace } = rig()
  state.pending = 2000
  pace.checkStore()
  pace.agentIsFull()
  state.pending = 0
  await new Promise(resolve => setTimeout(resolve, 40))
  expect(state.running).toBe(false)
  pace.agentHasRead()
  expect(state.running).toBe(true)
  pace.close()
})
