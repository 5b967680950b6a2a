import { expect, it } from 'vitest'
import { schedule } from '../../runner/schedule.ts'
import { never } from './_sandbox.ts'

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

it('runs every job once, never more at a time than allowed', async () => {
  let now = 0
  let most = 0
  const done: number[] = []
  const jobs = Array.from({ length: 20 }, (_, index) => index)
  await schedule({
    jobs,
    concurrency: 3,
    signal: never,
    run: async job => {
      most = Math.max(most, ++now)
      await pause(5)
      now--
      done.push(job)
    },
  })
  expect(done.sort((a, b) => a - b)).toEqual(jobs)
  expect(most).toBe(3)
})

it('starts nothing new after the signal, waits for what runs', async () => {
  const stop = new AbortController()
  const log: string[] = []
  await schedule({
    jobs: [1, 2, 3, 4],
    concurrency: 2,
    signal: stop.signal,
    run: async (job, signal) => {
      if (job === 2) stop.abort()
      await pause(30)
      log.push(`${job} ${signal.aborted}`)
    },
  })
  expect(log.sort()).toEqual(['1 true', '2 true'])
})

it('tells the others to stop when a job throws, and throws its error when all have ended', async () => {
  let ended = 0
  const running = schedule({
    jobs: [1, 2, 3],
    concurrency: 2,
    signal: never,
    run: async (job, signal) => {
      if (job === 1) throw new Error('first')
      while (!signal.aborted) await pause(5)
      ended++
    },
  })
  await expect(running).rejects.toThrow('first')
  expect(ended).toBe(1)
})

it('does nothing with no jobs or after the signal', async () => {
  const run = async () => expect.fail('must not run')
  await schedule({ jobs: [], concurrency: 2, signal: never, run })
  await schedule({ jobs: [1], concurrency: 2, signal: AbortSignal.abort(), run })
})
