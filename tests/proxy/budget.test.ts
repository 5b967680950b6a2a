import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Run, Trial } from '../../core/types.ts'
import { protocolById, protocols } from '../../protocols/_all.ts'
import { areLimited, type Budgets, noBudgets } from '../../proxy/budget.ts'
import type { Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { type Answered, ask, header } from '../client.ts'
import { makeRun, makeTrial } from '../rows.ts'
import { type AnyUpstream, openTollRig, startAnyUpstream, type TollRig, unlimited } from '../toll-rig.ts'

const found = protocolById('anthropic-messages')
if (!found) throw new Error('no such protocol')
const anthropic = found
const chat = protocolById('openai-chat') ?? found

let upstream: AnyUpstream
let rig: TollRig
let directory: string
beforeEach(async () => {
  upstream = await startAnyUpstream()
  directory = await mkdtemp(join(tmpdir(), 'turnpike-budget-'))
})
afterEach(async () => {
  await rig.close()
  await upstream.close()
  await rm(directory, { recursive: true, force: true })
})

const session = (budget: Partial<Budgets['session']>): Budgets => ({ ...noBudgets, session: { ...unlimited, ...budget } })
const codeOf = (answered: Answered): string | null => header(answered, 'x-turnpike-error')

async function statuses(count: number, call: () => Promise<Answered>): Promise<number[]> {
  const seen: number[] = []
  for (let index = 0; index < count; index++) seen.push((await call()).status)
  return seen
}

describe.each(protocols.map(protocol => ({ protocol })))('past a budget, a caller of $protocol.id', ({ protocol }) => {
  it('gets a 402 in its own dialect that says not to try again, and the provider gets nothing', async () => {
    rig = await openTollRig(upstream.url, { budgets: session({ calls: 1 }) })
    await rig.call(protocol, { stream: true })
    const refused = await rig.call(protocol, { stream: true })
    expect(refused.status).toBe(402)
    expect(codeOf(refused)).toBe('E_BUDGET_CALLS')
    expect(header(refused, 'x-should-retry')).toBe('false')
    const error = protocol.readResponse(JSON.parse(refused.body.toString())).error
    expect(error?.message).toContain('E_BUDGET_CALLS: budget.session.calls of session test: 1 of 1 model calls are made')
    expect(upstream.asked).toHaveLength(1)
    const exchanges = await rig.exchanges()
    expect(exchanges.map(one => [one.outcome, one.status, one.failure?.code])).toEqual([
      ['complete', 200, undefined],
      ['refused', 402, 'E_BUDGET_CALLS'],
    ])
  })
})

describe('a budget', () => {
  it('of tokens ends with the call that passes it', async () => {
    rig = await openTollRig(upstream.url, { budgets: session({ tokens: 301 }) })
    expect(await statuses(4, () => rig.call(anthropic))).toEqual([200, 200, 200, 402])
    const refused = await rig.call(chat)
    expect(refused.body.toString()).toContain('450 of 301 tokens are used')
    expect(codeOf(refused)).toBe('E_BUDGET_TOKENS')
  })

  it('of cost ends with the call that passes it', async () => {
    rig = await openTollRig(upstream.url, { budgets: session({ costUsd: 0.5 }), price: () => 0.25e9 })
    expect(await statuses(3, () => rig.call(anthropic, { stream: true }))).toEqual([200, 200, 402])
    const refused = await rig.call(anthropic)
    expect(codeOf(refused)).toBe('E_BUDGET_COST')
    expect(refused.body.toString()).toContain('$0.5000 of $0.5 are spent')
  })

  it('of cost is not held by a model without a price, and says so', async () => {
    const price = ({ model }: { model: string | null }) => (model === 'model-1' ? null : 1)
    rig = await openTollRig(upstream.url, { budgets: session({ costUsd: 5 }), price })
    expect(await statuses(2, () => rig.call(anthropic))).toEqual([200, 402])
    expect((await rig.call(anthropic)).body.toString()).toContain('it cannot be held: no price is known for model-1')
  })

  it('of tokens is not held by a provider that counts none, and says so', async () => {
    rig = await openTollRig(upstream.url, { budgets: session({ tokens: 1000 }) })
    upstream.intercept = (_, response) => {
      const message = { role: 'assistant', content: 'hi' }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }] }))
      return true
    }
    expect(await statuses(2, () => rig.call(chat))).toEqual([200, 402])
    expect((await rig.call(chat)).body.toString()).toContain('came without token counts')
  })

  it('of time ends when it has passed, but not while a call waited for its provider', async () => {
    let now = 1_000_000
    const limits = new Map([['upstream', { requestsPerMinute: null, tokensPerMinute: null, concurrent: 1 }]])
    rig = await openTollRig(upstream.url, { budgets: session({ wallMs: 1000 }), now: () => now, limits })
    await rig.call(anthropic)
    now += 999
    let release: (() => void) | null = null
    upstream.intercept = (_, response) => {
      if (release !== null) return false
      release = () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      return true
    }
    const first = rig.call(anthropic)
    await until(() => release !== null)
    const second = rig.call(anthropic, { stream: true })
    await until(() => metric('turnpike_rate_waiting 1'))
    now += 60_000
    ;(release as (() => void) | null)?.()
    expect([(await first).status, (await second).status]).toEqual([200, 200])
    expect((await rig.call(anthropic)).status).toBe(200)
    now += 1
    const refused = await rig.call(anthropic)
    expect([refused.status, codeOf(refused)]).toEqual([402, 'E_BUDGET_TIME'])
    expect(refused.body.toString()).toContain('1000 of 1000 ms have passed')
  })

  it('of calls is exact however many come at once', async () => {
    rig = await openTollRig(upstream.url, { budgets: session({ calls: 5 }) })
    const answers = await Promise.all(Array.from({ length: 20 }, () => rig.call(anthropic)))
    expect(answers.filter(one => one.status === 200)).toHaveLength(5)
    expect(upstream.asked).toHaveLength(5)
  })

  it('counts failed calls too, and no token counts, lists or foreign traffic', async () => {
    rig = await openTollRig(upstream.url, { budgets: session({ calls: 2 }) })
    const other = (path: string) => ask(`${rig.proxy.url}/s/test${path}`, { method: 'POST', body: '{"model":"m","messages":[]}' })
    upstream.intercept = (_, response) => Boolean(response.writeHead(500).end('{}'))
    expect(await statuses(3, () => rig.call(anthropic))).toEqual([500, 500, 402])
    for (const path of ['/v1/messages/count_tokens', '/elsewhere']) expect((await other(path)).status).toBe(500)
  })

  it("of one session is no other session's", async () => {
    rig = await openTollRig(upstream.url, { budgets: session({ calls: 1 }) })
    const call = (scope: string) => rig.call(anthropic, { scope }).then(one => one.status)
    expect([await call('/s/a'), await call('/s/a'), await call('/s/b'), await call('/s/b')]).toEqual([200, 402, 200, 402])
  })
})

async function metric(line: string): Promise<boolean> {
  return (await ask(`${rig.proxy.url}/_turnpike/metrics`)).body.toString().split('\n').includes(line)
}

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 5000; !(await check()); ) {
    if (Date.now() > deadline) throw new Error('it did not happen')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

const run: Run = makeRun({ id: 'run-1', name: 'the run', state: 'running', turnpikeVersion: 't', endedAt: null })
const trial = (id: string): Trial =>
  makeTrial({
    id,
    runId: run.id,
    name: `name-${id}`,
    agent: 'a',
    state: 'running',
    turn: 1,
    attempt: 1,
    startedAt: Date.now(),
    endedAt: null,
  })

describe('a run', () => {
  let store: Store
  const open = async (budgets: Budgets): Promise<void> => {
    store = await openStore(directory)
    await store.put('runs', [run])
    await store.put('trials', [trial('one'), trial('two')])
    rig = await openTollRig(upstream.url, { store, budgets, price: () => 1e9 })
  }
  const scopeOf = async (id: string): Promise<string> => `/t/${await store.mintToken(id)}`

  it('has budgets for each trial and for all of them', async () => {
    await open({ ...noBudgets, trial: { ...unlimited, calls: 2 }, run: { ...unlimited, costUsd: 3 } })
    const [one, two] = [await scopeOf('one'), await scopeOf('two')]
    expect(await rig.toll.spentRun(run.id)).toBeNull()
    expect(await statuses(3, () => rig.call(anthropic, { scope: one }))).toEqual([200, 200, 402])
    expect(await rig.toll.spentRun(run.id)).toBeNull()
    expect(await statuses(2, () => rig.call(anthropic, { scope: two }))).toEqual([200, 402])
    expect((await rig.call(anthropic, { scope: two })).body.toString()).toContain('budget.run.cost_usd of run the run')
    expect((await rig.toll.spentRun(run.id))?.code).toBe('E_BUDGET_COST')
  })

  it('goes on after a restart where it stood, by the recorded bytes', async () => {
    await open({ ...noBudgets, trial: { ...unlimited, calls: 3, tokens: 100_000 }, run: { ...unlimited, tokens: 700 } })
    const one = await scopeOf('one')
    await rig.call(anthropic, { scope: one, stream: true })
    await rig.call(chat, { scope: one })
    await rig.close()
    await open({ ...noBudgets, trial: { ...unlimited, calls: 3, tokens: 100_000 }, run: { ...unlimited, tokens: 700 } })
    const again = await scopeOf('one')
    expect(await statuses(2, () => rig.call(anthropic, { scope: again }))).toEqual([200, 402])
    const two = await scopeOf('two')
    expect(await statuses(3, () => rig.call(anthropic, { scope: two }))).toEqual([200, 200, 402])
    expect((await rig.call(anthropic, { scope: two })).body.toString()).toContain('750 of 700 tokens are used')
  })

  it('counts only the time it was at work', async () => {
    await open({ ...noBudgets, run: { ...unlimited, wallMs: 1000 } })
    const event = (type: string, at: number) => ({ id: `${at}`, runId: run.id, trialId: null, type, at, data: {} })
    const now = Date.now()
    await store.put('events', [
      event('run-started', 1_000),
      event('trial-ended', 1_600),
      event('run-started', now - 500_000),
      event('trial-ended', now - 499_700),
      event('run-started', now),
    ])
    const one = await scopeOf('one')
    expect((await rig.call(anthropic, { scope: one })).status).toBe(200)
    await new Promise(resolve => setTimeout(resolve, 150))
    const refused = await rig.call(anthropic, { scope: one })
    expect([refused.status, codeOf(refused)]).toEqual([402, 'E_BUDGET_TIME'])
  })
})

it('is nothing when nothing is limited', () => {
  expect(areLimited(noBudgets)).toBe(false)
  expect(areLimited(session({ wallMs: 1 }))).toBe(true)
})
