// Whole runs whose agents misbehave, with the events that tell of it.
import { expect, it } from 'vitest'
import { openBench, script } from './_tasks.ts'

it('says why each failed attempt failed and what held the agent in', async () => {
  const { run, events } = await openBench()
  await run({ agents: [script('[ -f tried ] || { touch tried; exit 3; }; exit 0')], attempts: 2, toTurn: 1 })
  const found = events.filter(event => event.type === 'failure-classified').map(event => event.data)
  expect(found).toMatchObject([
    { turn: 1, attempt: 1, primary: 'crash', labels: ['crash'] },
    { turn: 1, attempt: 2, primary: 'no-edit', labels: ['no-edit'] },
  ])
  expect(events.find(event => event.type === 'environment-opened')?.data).toMatchObject({
    environment: 'local',
    isolation: expect.stringMatching(/^(sandbox|none)$/),
  })
})

it('says nothing of attempts that passed', async () => {
  const { run, events } = await openBench()
  await run({})
  expect(events.filter(event => event.type === 'failure-classified' || event.type === 'leak-found')).toEqual([])
})
