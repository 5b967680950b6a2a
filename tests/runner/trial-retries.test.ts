import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { currentTrials } from '../../core/cells.ts'
import { trialRetriesMax } from '../../core/limits.ts'
import { recordExchange } from '../store/_conversation.ts'
import { atEnd } from './_sandbox.ts'
import { openBench, script } from './_tasks.ts'

/** A road to a provider that answers with the statuses in turn (then 200), recording each call like the proxy does. */
async function openProvider(store: Awaited<ReturnType<typeof openBench>>['store'], statuses: number[], retryAfter: string) {
  const server = createServer(async (request, response) => {
    const token = request.url?.split('/')[2] ?? ''
    const at = await store.resolveToken(token)
    const status = statuses.shift() ?? 200
    const scope = { kind: 'trial', id: at?.trialId ?? '' } as const
    const begin = { scope, turn: at?.turn ?? null, attempt: at?.attempt ?? null, route: 'model-a', startedAt: Date.now() }
    const end = { status, responseHeaders: [['retry-after', retryAfter]] as const, firstByteAt: Date.now(), endedAt: Date.now() }
    await recordExchange(store, '{}', '', begin, end)
    response.writeHead(status).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const call = (url: string) =>
  `${process.execPath} -e 'fetch("{base_url}/v1/messages",{method:"POST"}).then(r=>process.exit(r.ok?0:1))' || exit 1; ${url}`
const calling = script(call('echo hello > hello.txt'), call('echo bye > bye.txt'))

it('a trial that a provider broke off goes on after its last turn once the provider wants it, and is no zero', async () => {
  const { run, store, read, events } = await openBench()
  const proxyUrl = await openProvider(store, [200, 529, 429], '0.2')
  const { trials, run: row } = await run({ agents: [calling], proxyUrl })
  expect(trials.map(trial => [trial.name, trial.outcome?.kind])).toEqual([['greeting.command.1', 'finished']])
  expect((await read(trials[0]?.id ?? '')).states).toEqual(['passed', 'passed'])
  const all = await store.list('trials', { runId: row.id })
  expect(all.map(trial => trial.outcome?.kind)).toEqual(['environment-failed', 'environment-failed', 'finished'])
  expect(currentTrials(all)).toEqual(trials)
  expect(events.filter(event => event.type === 'trial-retried').map(event => event.data)).toMatchObject([
    { retry: 1, retriesMax: trialRetriesMax },
    { retry: 2 },
  ])
  // Turn 1 was paid for once.
  expect((await store.exchanges({ runId: row.id })).map(exchange => [exchange.turn, exchange.status])).toEqual([
    [1, 200],
    [2, 529],
    [2, 429],
    [2, 200],
  ])
})

it('gives up when its tries are used up, and at once for a key that is wrong', async () => {
  const tired = await openBench()
  const url = await openProvider(tired.store, Array(9).fill(529), '0')
  const { trials } = await tired.run({ agents: [calling], proxyUrl: url })
  expect(trials[0]?.outcome?.kind).toBe('environment-failed')
  expect((await tired.read(trials[0]?.id ?? '')).states).toEqual(['infra-error', 'infra-error'])
  expect(await tired.store.list('trials')).toHaveLength(trialRetriesMax + 1)
  const wrong = await openBench()
  await wrong.run({ agents: [calling], proxyUrl: await openProvider(wrong.store, [401], '0') })
  expect(await wrong.store.list('trials')).toHaveLength(1)
})

it('other trials wait for a provider that asked for it', async () => {
  const { run, store, events } = await openBench()
  const proxyUrl = await openProvider(store, [429], '1.5')
  await run({ agents: [calling], trials: 2, concurrency: 1, proxyUrl })
  const told = events.find(event => event.type === 'trial-retried')
  const next = events.filter(event => event.type === 'trial-started')[1]
  expect((next?.at ?? 0) - (told?.at ?? 0)).toBeGreaterThanOrEqual(1_400)
})

it('does not sit out a pause when it is interrupted, and can be resumed', async () => {
  const { run, store, events } = await openBench()
  const stop = new AbortController()
  const proxyUrl = await openProvider(store, [200, 429], '200')
  const running = run({ agents: [calling], proxyUrl, signal: stop.signal })
  while (!events.some(event => event.type === 'trial-retried')) await new Promise(resolve => setTimeout(resolve, 20))
  stop.abort()
  const { run: row, trials } = await running
  expect(trials[0]?.outcome?.kind).toBe('environment-failed')
  const resumed = await run({ agents: [calling], proxyUrl, resumeRunId: row.id })
  expect(resumed.trials[0]?.outcome?.kind).toBe('finished')
})
