import { expect, it, onTestFinished, vi } from 'vitest'
import { TurnpikeError } from '../../core/errors.ts'
import { environmentRetriesMax } from '../../core/limits.ts'
import { isPlaceLost, retryEnvironment } from '../../runner/retry.ts'
import { never } from './_sandbox.ts'

const broken = () => new TurnpikeError('E_ENVIRONMENT_FAILED', 'no space')
const quiet = { signal: never, onRetry: async () => undefined }

it('tries a broken environment again and tells each time', async () => {
  const told: number[] = []
  let tries = 0
  const work = async (): Promise<string> => {
    if (++tries < 3) throw broken()
    return 'done'
  }
  expect(await retryEnvironment(work, { signal: never, onRetry: async (_, retry) => void told.push(retry) })).toBe('done')
  expect([tries, told]).toEqual([3, [1, 2]])
})

it('gives up after its retries and at once for anything else', async () => {
  let tries = 0
  const fail = (error: Error) => async (): Promise<never> => {
    tries++
    throw error
  }
  await expect(retryEnvironment(fail(broken()), quiet)).rejects.toThrow('no space')
  expect(tries).toBe(environmentRetriesMax + 1)
  tries = 0
  await expect(retryEnvironment(fail(new TurnpikeError('E_RECORD_FAILED', 'disk')), quiet)).rejects.toThrow('disk')
  await expect(retryEnvironment(fail(new TypeError('bug')), quiet)).rejects.toThrow('bug')
  expect(tries).toBe(2)
})

it('does not sit out its pause when it is interrupted', async () => {
  // A clock that stands: whoever sits out a pause does so for ever.
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const stop = new AbortController()
  let tries = 0
  const work = async (): Promise<never> => {
    tries++
    throw broken()
  }
  const asked = retryEnvironment(work, { ...quiet, random: () => 1, signal: stop.signal })
  await vi.advanceTimersByTimeAsync(20)
  stop.abort()
  await expect(asked).rejects.toThrow('no space')
  expect(tries).toBe(2)
})

it('asks again through an outage and not for what is lost; after either the place is', async () => {
  const details = (name: string) => new TurnpikeError('E_ENVIRONMENT_FAILED', name, { details: { [name]: true } })
  const tries = { lost: 0, outage: 0 }
  for (const name of ['lost', 'outage'] as const) {
    const work = async (): Promise<never> => {
      tries[name]++
      throw details(name)
    }
    await expect(retryEnvironment(work, { ...quiet, random: () => 0 })).rejects.toThrow(name)
    expect(isPlaceLost(details(name))).toBe(true)
  }
  expect(tries).toEqual({ lost: 1, outage: environmentRetriesMax + 1 })
  expect([isPlaceLost(broken()), isPlaceLost(new Error('x'))]).toEqual([false, false])
})
