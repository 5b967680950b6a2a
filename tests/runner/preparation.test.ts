// Health checks count as Docker's do.
import { expect, it } from 'vitest'
import { waitUntilHealthy } from '../../runner/preparation.ts'
import { never, openLocal } from './_sandbox.ts'

const check = (script: string, change = {}) => ({
  command: ['sh', '-c', script],
  intervalMs: 10,
  timeoutMs: 5_000,
  startPeriodMs: 0,
  startIntervalMs: 10,
  retries: 3,
  ...change,
})
const failTimes = (times: number): string => `echo x >> tries; [ "$(wc -l < tries)" -gt ${times} ]`

it('asks again until it succeeds, or has failed as often as it may', async () => {
  await waitUntilHealthy(await openLocal(), check(failTimes(2)), 'task t', never)
  await expect(waitUntilHealthy(await openLocal(), check(failTimes(3)), 'task t', never)).rejects.toMatchObject({
    code: 'E_ENVIRONMENT_FAILED',
    message: 'the health check of task t failed 3 times: exit status 1',
  })
  await waitUntilHealthy(await openLocal(), null, 'task t', never)
})

it('does not count failures of the start period', async () => {
  await waitUntilHealthy(await openLocal(), check(failTimes(5), { startPeriodMs: 5_000, retries: 1 }), 'task t', never)
})

it('ends when it is interrupted', async () => {
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 100)
  await expect(
    waitUntilHealthy(await openLocal(), check('false', { retries: 9999 }), 'task t', abort.signal),
  ).rejects.toMatchObject({
    code: 'E_INTERRUPTED',
  })
})
