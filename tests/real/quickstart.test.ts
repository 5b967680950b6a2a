// The task of the quick start whose tests start hundreds of processes; the others are played by tests/configs.
import { expect, it } from 'vitest'
import { countAttempts } from '../configs/_quickstart-simulated.ts'
import { expectSolved, tasks, timeoutMs } from '../configs/_quickstart-tasks.ts'

it.each(tasks.filter(({ id }) => id === 'ledger'))(
  '$id: each solution passes its tests; on the one before it the new ones fail, the carried ones pass',
  task => expectSolved(task),
  timeoutMs,
)

it(
  'ledger: attempts per turn',
  async () => {
    expect(await countAttempts('ledger')).toEqual([2, 1, 1])
  },
  timeoutMs,
)
