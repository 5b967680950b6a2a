import type Docker from 'dockerode'
import { expect, it } from 'vitest'
import { listLiving } from '../../../runner/environments/_docker-processes.ts'

const titles = ['PID', 'SESS', 'STAT']
const list = (rows: readonly string[], heads: readonly string[] | null = titles) => {
  const top = async () => {
    if (heads === null) throw new Error('not supported by this runtime')
    return { Titles: heads, Processes: rows.map(row => row.split(' ')) }
  }
  return listLiving({ inspect: async () => ({ State: { Pid: 40 } }), top } as unknown as Docker.Container)
}

it('lists what lives, with the sessions, and not the dead that nobody has taken in', async () => {
  expect(await list(['40 40 Ss', '41 40 S', '50 50 Z', '51 51 Rl', '52 51 X'])).toEqual({
    first: '40',
    living: [
      { pid: '40', session: '40' },
      { pid: '41', session: '40' },
      { pid: '51', session: '51' },
    ],
  })
})

it('cannot tell where the list is another, there is none, or the first process is not in it', async () => {
  expect(await list(['root 40 S'], ['USER', 'PID', 'STAT'])).toBe(null)
  expect(await list([], null)).toBe(null)
  expect(await list(['1 1 Ss', '7 7 S'])).toBe(null)
  expect(await list(['40 40 Z', '41 41 S'])).toBe(null)
})
