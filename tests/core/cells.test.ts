import { expect, it } from 'vitest'
import { currentTrials } from '../../core/cells.ts'
import type { Trial } from '../../core/types.ts'

const trial = (id: string, change: Partial<Trial> = {}): Trial => ({
  id,
  runId: 'run',
  name: id,
  taskId: 'task',
  agent: 'mini',
  model: 'm',
  index: 1,
  plannedTurns: 1,
  state: 'ended',
  outcome: null,
  turn: null,
  attempt: null,
  snapshots: null,
  startedAt: null,
  endedAt: null,
  ...change,
})

it('counts the youngest trial of each cell and no other', () => {
  const cells = [
    trial('03'),
    trial('01', { index: 2 }),
    trial('02'),
    trial('04', { model: null }),
    trial('05', { taskId: 'other' }),
    trial('06', { agent: 'nop' }),
    trial('07', { runId: 'next' }),
  ]
  expect(currentTrials(cells).map(one => one.id)).toEqual(['03', '01', '04', '05', '06', '07'])
  expect(currentTrials([])).toEqual([])
})
