// The scripted model of the quick start really works on its tasks. `ledger` is played by tests/real/quickstart.test.ts.
import { expect, it } from 'vitest'
import { countAttempts } from './_quickstart-simulated.ts'
import { timeoutMs } from './_quickstart-tasks.ts'

it.each([
  ['slug', [1, 2, 1]],
  ['todo', [1, 2, null]],
])(
  '%s: attempts per turn %j',
  async (id, expected) => {
    expect(await countAttempts(id)).toEqual(expected)
  },
  timeoutMs,
)
