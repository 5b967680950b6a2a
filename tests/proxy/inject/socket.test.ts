// Faults, meter and budgets over WebSockets, through a whole proxy.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeExchanges } from '../../../convert/decode.ts'
import { foldTotals } from '../../../judge/cost.ts'
import { noBudgets } from '../../../proxy/budget.ts'
import { parseInject } from '../../../proxy/inject/spec.ts'
import type { Metered } from '../../../proxy/meter.ts'
import { createToll, type TollOptions } from '../../../proxy/toll.ts'
import { openStore } from '../../../store/open.ts'
import { eventually } from '../../client.ts'
import { openSocketRig, type SocketRig } from '../../socket-rig.ts'
import { answerMessages, create, openAgent, type UpstreamScript } from '../../sockets.ts'
import { unlimited } from '../../toll-rig.ts'

let at: SocketRig
let directory: string
let metered: Metered[]
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnpike-socket-'))
  metered = []
})
afterEach(async () => {
  await at?.close()
  await rm(directory, { recursive: true, force: true })
})

let answers = 0
const answering: UpstreamScript = { onMessage: ({ send }) => answerMessages(`resp_${++answers}`).forEach(send) }

async function open(options: Partial<TollOptions>, script = answering) {
  const store = await openStore(directory)
  const toll = createToll({
    store,
    budgets: noBudgets,
    price: () => 7,
    inject: null,
    limits: new Map(),
    watched: true,
    onMetered: one => metered.push(one),
    ...options,
  })
  if (toll === null) throw new Error('there is no toll')
  at = await openSocketRig(script, () => ({ store, linkLayers: toll.outerLinkLayers, admit: toll.admit }))
  return openAgent(at.url)
}

const failures = async () => (await at.asked()).map(({ outcome, failure }) => [outcome, failure?.code ?? null])
const spec = (text: string) => ({ inject: parseInject(text) })

describe('a fault on a socket', () => {
  it('with a status is the error message of the provider, and the socket goes on', async () => {
    const agent = await open(spec('429 call=1 retry-after=3'))
    agent.socket.send(create())
    const [error] = await agent.messages(1)
    expect(JSON.parse(error ?? '')).toMatchObject({ type: 'error', status: 429, headers: { 'retry-after': '3' } })
    expect(error).not.toMatch(/turnpike|E_INJECTED/i)
    expect(at.upstream.messages).toHaveLength(0)
    agent.socket.send(create())
    expect(await agent.messages(5)).toHaveLength(5)
    expect(await failures()).toEqual([
      ['complete', 'E_INJECTED_FAULT'],
      ['complete', null],
    ])
  })

  it('that cuts breaks the connection after so many messages', async () => {
    const agent = await open(spec('cut after=2'))
    agent.socket.send(create())
    expect((await agent.closed).code).toBe(1006)
    expect(agent.texts()).toEqual(answerMessages(`resp_${answers}`).slice(0, 2))
    const [exchange] = await at.asked()
    expect(exchange).toMatchObject({ outcome: 'upstream-cut', failure: { code: 'E_INJECTED_FAULT' } })
    expect(await at.answers(exchange)).toEqual(agent.texts())
  })

  it('that resets never asks the provider', async () => {
    const agent = await open(spec('reset'))
    agent.socket.send(create())
    expect((await agent.closed).code).toBe(1006)
    expect([agent.texts(), at.upstream.messages]).toEqual([[], []])
    expect(await failures()).toEqual([['upstream-cut', 'E_INJECTED_FAULT']])
  })

  it.each([
    ['stall ms=80 after=1', 70],
    ['drip ms=25', 90],
  ])('%s takes its time and keeps every message', async (text, ms) => {
    const agent = await open(spec(text))
    const startedAt = performance.now()
    agent.socket.send(create())
    expect(await agent.messages(4)).toEqual(answerMessages(`resp_${answers}`))
    expect(performance.now() - startedAt).toBeGreaterThan(ms)
    expect(await failures()).toEqual([['complete', 'E_INJECTED_FAULT']])
  })

  it('breaks one message and leaves the others', async () => {
    const agent = await open(spec('malformed event=2'))
    agent.socket.send(create())
    const [first, second, ...others] = await agent.messages(4)
    const [sound, , ...rest] = answerMessages(`resp_${answers}`)
    expect([first, ...others]).toEqual([sound, ...rest])
    expect(() => JSON.parse(second ?? '')).toThrow()
    const [exchange] = await at.asked()
    expect(exchange).toMatchObject({ outcome: 'complete', failure: { code: 'E_INJECTED_FAULT' } })
    expect((await at.answers(exchange))[1]).toBe(second)
  })
})

describe('the meter on a socket', () => {
  it('charges what decoding the record adds up to', async () => {
    const agent = await open(spec('529 call=2; cut after=2 call=4'))
    for (const [index, come] of [4, 5, 9].entries()) {
      agent.socket.send(create())
      await agent.messages(come)
      if (index === 2) agent.socket.send(create())
    }
    await agent.closed
    await eventually(() => expect(metered.filter(one => one.charge !== null)).toHaveLength(4))
    await at.rig.exchanges()
    await decodeExchanges(at.rig.store, {}, { price: ({ usage }) => (usage === null ? null : { nanoUsd: 7, version: 'v' }) })
    const totals = foldTotals(await at.rig.store.list('calls'))
    const tally = metered.at(-1)?.account.tally
    const { input, cachedRead, cachedWrite, output, unknown } = totals.tokens
    expect(tally?.tokens).toEqual({ input, cachedRead, cachedWrite, output })
    expect(input).toBeGreaterThan(0)
    expect([tally?.calls, tally?.nanoUsd, tally?.unknownCalls]).toEqual([totals.calls, totals.nanoUsd, unknown])
  })

  it('lets go of a call whose agent leaves', async () => {
    const agent = await open({}, { onMessage: ({ send }) => send(answerMessages('resp_x')[0] ?? '') })
    agent.socket.send(create())
    await agent.messages(1)
    agent.socket.terminate()
    await eventually(() => expect(metered.at(-1)).toMatchObject({ account: { inFlight: 0 }, charge: { complete: false } }))
  })
})

it('a budget refuses the next message and keeps the socket', async () => {
  const agent = await open({ budgets: { ...noBudgets, session: { ...unlimited, calls: 1 } } })
  agent.socket.send(create())
  await agent.messages(4)
  agent.socket.send(create())
  const refused = JSON.parse((await agent.messages(5))[4] ?? '')
  expect(refused).toMatchObject({
    type: 'error',
    status: 402,
    headers: { 'x-should-retry': 'false', 'x-turnpike-error': 'E_BUDGET_CALLS' },
  })
  expect(at.upstream.messages).toHaveLength(1)
  expect((await failures()).at(-1)).toEqual(['refused', 'E_BUDGET_CALLS'])
})
