import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import { expect, it } from 'vitest'
import { watchExec } from '../../../runner/environments/_docker-exec-watch.ts'

interface Say {
  readonly running?: boolean
  readonly pid?: number
  readonly titles?: readonly string[]
  /** Process ids of each look, the last one for all that follow; null = the daemon is away. */
  readonly listed: ReadonlyArray<readonly number[] | null>
}

/** What the daemon says of a command with process id 7. */
async function watch({ running = true, pid = 7, titles = ['PID', 'SESS', 'STAT'], listed }: Say, ms = 120) {
  let looks = 0
  const exec = { inspect: async () => ({ Running: running, Pid: pid }) }
  const top = async () => {
    const ids = listed[Math.min(looks++, listed.length - 1)]
    if (ids == null) throw new Error('connect ECONNREFUSED')
    return { Titles: titles, Processes: ids.map(id => [String(id), String(id), 'S']) }
  }
  const inspect = async () => ({ State: { Pid: 1 } })
  const container = { inspect, top } as unknown as Docker.Container
  const watched = watchExec(exec as unknown as Docker.Exec, container, { firstMs: 2, maxMs: 4 })
  const result = await Promise.race([watched.lost, sleep(ms, 'known', { ref: false })])
  watched.stop()
  return { result, looks }
}

it('says that a command is lost which runs by the word of the daemon alone', async () => {
  expect(await watch({ listed: [[1, 7], [1]] }, 60_000)).toEqual({ result: 'lost', looks: 3 })
})

it('says nothing of one that lives, that has ended, or that has not begun', async () => {
  expect((await watch({ listed: [[1, 7]] })).result).toBe('known')
  expect((await watch({ running: false, listed: [[1]] })).result).toBe('known')
  expect((await watch({ pid: 0, listed: [[1]] })).result).toBe('known')
})

it('gives one that is just ending the time to be told of', async () => {
  expect((await watch({ listed: [[1], [1, 7], [1], [1, 7]] })).result).toBe('known')
})

it('does not take a daemon that is away or lists something else for the loss of a command', async () => {
  expect((await watch({ listed: [[1], null, [1], null] }, 60)).result).toBe('known')
  expect((await watch({ titles: ['USER', 'PID'], listed: [[1]] })).result).toBe('known')
  // Numbers of another kernel: not even the first process is found by its own.
  expect((await watch({ listed: [[20, 21]] })).result).toBe('known')
})

it('looks no more when it was stopped', async () => {
  let looks = 0
  const exec = { inspect: async () => ({ Running: looks++ < 0, Pid: 7 }) }
  const watched = watchExec(exec as unknown as Docker.Exec, {} as Docker.Container, { firstMs: 1, maxMs: 1 })
  while (looks < 3) await sleep(1)
  watched.stop()
  const before = looks
  await sleep(20)
  expect(looks).toBeLessThanOrEqual(before + 1)
})
