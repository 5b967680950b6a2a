import { expect, it } from 'vitest'
import { asideSuffix, currentTrials, nameOfCell, sortTrials } from '../../core/cells.ts'
import type { Trial } from '../../core/types.ts'
import { makeTrial } from '../rows.ts'

const trial = (id: string, change: Partial<Trial> = {}): Trial =>
  makeTrial({ id, runId: 'run', model: 'm', startedAt: null, endedAt: null, ...change })

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

it('a trial set aside belongs to its cell; another version of the same agent is another cell', () => {
  const first = trial('01ABCDEFGH')
  const aside = { ...first, name: first.name + asideSuffix(first) }
  expect(aside.name).toBe('task.mini.1~cdefgh')
  expect(nameOfCell(aside)).toBe('task.mini.1')
  expect(nameOfCell(trial('02', { name: aside.name }))).toBe(aside.name)
  const others = [trial('03', { name: 'task.mini@m@1.0.1' }), trial('04', { name: 'task.mini@m@2.0.1' })]
  expect(currentTrials([aside, trial('02'), ...others]).map(one => one.id)).toEqual(['02', '03', '04'])
})

it('sorts by task, agent, model and repetition, not by age', () => {
  const trials = [
    trial('06', { taskId: 'z' }),
    trial('05', { index: 10 }),
    trial('04', { index: 2 }),
    trial('03', { model: null }),
    trial('02', { agent: 'command' }),
    trial('01', { index: 10, name: 'earlier' }),
  ]
  expect(sortTrials(trials).map(one => one.id)).toEqual(['02', '03', '04', '01', '05', '06'])
  expect(sortTrials([...trials].reverse())).toEqual(sortTrials(trials))
})
