import { expect, it } from 'vitest'
import { findAgent } from '../../runner/agents/_all.ts'
import { planTrial } from '../../runner/job.ts'
import { makePolicy } from '../rows.ts'
import { task } from './_tasks.ts'

it('plans a trial of which nothing has happened yet', () => {
  const policy = makePolicy()
  const cell = { name: 'greeting.nop.2', task, spec: { id: 'nop', model: null }, agent: findAgent('nop'), index: 2, policy }
  const [one, two] = [planTrial('run', cell), planTrial('run', cell)]
  expect(one).toMatchObject({
    runId: 'run',
    name: 'greeting.nop.2',
    taskId: 'greeting',
    index: 2,
    plannedTurns: 2,
    state: 'pending',
    outcome: null,
    turn: null,
  })
  expect(one.id < two.id).toBe(true)
})
