// Messages of the agent through a whole proxy: bytes, order, where they belong, and what they are refused with.
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { decodeExchanges } from '../../../convert/decode.ts'
import { TurnpikeError } from '../../../core/errors.ts'
import type { ProxyOptions } from '../../../proxy/server.ts'
import { eventually } from '../../client.ts'
import { startTrial } from '../../rig.ts'
import { openSlowStore, openSocketRig, realKey, routesTo, type SocketRig } from '../../socket-rig.ts'
import { answerMessages, create, openAgent, type UpstreamScript } from '../../sockets.ts'

let at: SocketRig

async function open(script: UpstreamScript, options?: (url: string) => Partial<ProxyOptions>): Promise<string> {
  at = await openSocketRig(script, options)
  return at.url
}

afterEach(() => at?.close())

let answers = 0
const answer: UpstreamScript = { onMessage: ({ send }) => answerMessages(`resp_${++answers}`).forEach(send) }

describe('an asked message', () => {
  it('and its answer pass unchanged and are one exchange', async () => {
    const url = await open({ onMessage: ({ send }) => answerMessages('resp_1', 'ünïcode 🚀').forEach(send) })
    const agent = await openAgent(`${url}?beta=1`)
    const asked = `${create()} \n`
    agent.socket.send(asked)
    expect(await agent.messages(4)).toEqual(answerMessages('resp_1', 'ünïcode 🚀'))
    const [exchange, ...more] = await at.asked()
    expect(more).toEqual([])
    expect(exchange).toMatchObject({
      protocol: 'openai-responses',
      method: 'WS',
      path: '/v1/responses',
      query: 'beta=1',
      status: 200,
      outcome: 'complete',
      failure: null,
      route: 'upstream',
      responseHeaders: [['content-type', 'application/vnd.turnpike.websocket']],
    })
    expect(exchange?.requestHeaders.map(([name]) => name.toLowerCase())).toContain('sec-websocket-key')
    expect(await at.request(exchange)).toBe(asked)
    expect(await at.answers(exchange)).toEqual(answerMessages('resp_1', 'ünïcode 🚀'))
    expect((await at.rig.store.verify()).bad).toEqual([])
  })

  it.each([
    ['in fragments', false, false],
    ['compressed, both ways', true, true],
    ['compressed by the agent alone', true, false],
  ])('%s is whole and plain in the record', async (_, agentCompresses, upstreamCompresses) => {
    const long = 'the same words again and again '.repeat(5000)
    const url = await open({
      onMessage: ({ send }) => answerMessages('resp_1', long).forEach(send),
      settings: { perMessageDeflate: upstreamCompresses },
    })
    const agent = await openAgent(url, { perMessageDeflate: agentCompresses })
    expect(agent.socket.extensions).toBe(upstreamCompresses ? 'permessage-deflate' : '')
    const asked = create({ pad: long })
    agent.socket.send(asked.slice(0, 1000), { fin: false })
    agent.socket.send(asked.slice(1000, 70_000), { fin: false })
    agent.socket.send(asked.slice(70_000), { fin: true })
    expect(await agent.messages(4)).toEqual(answerMessages('resp_1', long))
    expect(at.upstream.messages.map(({ data }) => data.toString())).toEqual([asked])
    const [exchange] = await at.asked()
    expect(await at.request(exchange)).toBe(asked)
    expect(await at.answers(exchange)).toEqual(answerMessages('resp_1', long))
  })

  it('of bytes that are no text stays what it is, in both directions', async () => {
    const bytes = Buffer.from([0, 255, 254, 128, 10, 13])
    const url = await open({
      onMessage: ({ socket }, data, binary) => {
        socket.send(data, { binary })
        socket.send(bytes, { binary: false }) // text that is no UTF-8
        for (const message of answerMessages('resp_1')) socket.send(message)
      },
    })
    const agent = await openAgent(url, { skipUTF8Validation: true })
    agent.socket.send(Buffer.concat([Buffer.from('{"type":"response.create"}'), bytes.subarray(4)]), { binary: true })
    await agent.messages(6)
    expect(agent.received.slice(0, 2)).toEqual([
      { data: Buffer.from('{"type":"response.create"}\n\r'), binary: true },
      { data: bytes, binary: false },
    ])
    expect(at.upstream.messages[0]?.binary).toBe(true)
    const [exchange] = await at.asked()
    const stored = await at.rig.body(exchange, 'response')
    expect([stored[0], stored[30], stored.subarray(32, 38).equals(bytes)]).toEqual([0x82, 0x81, true])
  })

  it('waits for none before it, and each answer goes to its own exchange, in order', async () => {
    const url = await open(answer)
    answers = 0
    const agent = await openAgent(url)
    for (let index = 0; index < 20; index++) agent.socket.send(create({ index }))
    const texts = await agent.messages(80)
    expect(texts.filter(text => text.includes('response.completed')).map(text => JSON.parse(text).response.id)).toEqual(
      Array.from({ length: 20 }, (_, index) => `resp_${index + 1}`),
    )
    const exchanges = await at.asked()
    expect(exchanges).toHaveLength(20)
    for (const [index, exchange] of exchanges.entries()) {
      expect(JSON.parse(await at.request(exchange)).index).toBe(index)
      expect(await at.answers(exchange)).toEqual(answerMessages(`resp_${index + 1}`))
    }
  })

  it('is committed before it is forwarded', async () => {
    const seen: string[] = []
    const url = await open({
      onMessage: async ({ send }) => {
        seen.push(...(await at.rig.store.exchanges({})).filter(({ method }) => method === 'WS').map(({ outcome }) => outcome))
        answerMessages('resp_1').forEach(send)
      },
    })
    const agent = await openAgent(url)
    agent.socket.send(create())
    await agent.messages(4)
    expect(seen).toEqual(['in-flight'])
  })

  it('larger than the bound ends the socket with 1009 and is not forwarded', async () => {
    const url = await open(answer, () => ({ bodyBytesMax: 10_000 }))
    const agent = await openAgent(url)
    agent.socket.send(create({ pad: 'x'.repeat(20_000) }))
    expect((await agent.closed).code).toBe(1009)
    expect(at.upstream.messages).toEqual([])
    expect(await at.asked()).toEqual([])
  })
})

describe('a message that asks for no answer', () => {
  it('is an exchange of its own that decodes to no call, and the open one goes on', async () => {
    const [first = '', ...rest] = answerMessages('resp_1')
    const url = await open({
      onMessage: ({ send }, data) => {
        if (data.includes('response.create')) send(first)
        else rest.forEach(send)
      },
    })
    const agent = await openAgent(url)
    agent.socket.send(create())
    await agent.messages(1)
    agent.socket.send('{"type":"response.cancel"}')
    await agent.messages(4)
    const [asked, cancel] = await at.asked()
    expect(asked).toMatchObject({ outcome: 'complete', status: 200 })
    expect(await at.answers(asked)).toEqual(answerMessages('resp_1'))
    expect(cancel).toMatchObject({ outcome: 'complete', status: null, protocol: null, responseBytes: 0 })
    expect(await at.request(cancel)).toBe('{"type":"response.cancel"}')
  })
})

describe('where no protocol claims the path', () => {
  it('messages pass and are recorded, each with what came before the next', async () => {
    await open({ onMessage: ({ send }, data) => send(`echo ${data}`) })
    const agent = await openAgent(`${at.rig.proxy.url}/s/other/v1/realtime`)
    agent.socket.send('one')
    await agent.messages(1)
    agent.socket.send('two')
    expect(await agent.messages(2)).toEqual(['echo one', 'echo two'])
    agent.socket.close(1000)
    await agent.closed
    const exchanges = await eventually(async () => {
      const all = await at.asked()
      expect(all.map(({ outcome }) => outcome)).toEqual(['complete', 'complete'])
      return all
    })
    expect(exchanges.map(({ protocol, path }) => [protocol, path])).toEqual([
      [null, '/v1/realtime'],
      [null, '/v1/realtime'],
    ])
    expect(await Promise.all(exchanges.map(at.answers))).toEqual([['echo one'], ['echo two']])
  })
})

describe('a trial’s message', () => {
  it('carries the turn the trial stands at when it is sent, and the proxy’s key goes upstream instead of the token', async () => {
    await open(answer, url => ({ routes: routesTo(url) }))
    const { token, moveTo } = await startTrial(at.rig.store)
    const agent = await openAgent(`${at.rig.proxy.url}/t/${token}/v1/responses`, {
      headers: { authorization: `Bearer ${token}` },
    })
    agent.socket.send(create())
    await agent.messages(4)
    await moveTo(3)
    agent.socket.send(create({ note: token }))
    await agent.messages(8)
    const exchanges = await at.rig.exchanges()
    expect(exchanges.map(({ method, scope, turn, attempt }) => [method, scope.id, turn, attempt])).toEqual([
      ['GET', 'trial1', 2, 1],
      ['WS', 'trial1', 2, 1],
      ['WS', 'trial1', 3, 1],
    ])
    expect(at.upstream.handshakes[0]?.rawHeaders.join(' ')).toContain(`Bearer ${realKey}`)
    expect(JSON.stringify(at.upstream.handshakes)).not.toContain(token)
    expect(await at.request(exchanges[2])).toBe(create({ note: '*'.repeat(token.length) }))
    expect(JSON.stringify(exchanges)).not.toContain(token)
  })

  it('after the trial has ended is refused as a message, and the socket stays open', async () => {
    await open(answer)
    const { token } = await startTrial(at.rig.store)
    const agent = await openAgent(`${at.rig.proxy.url}/t/${token}/v1/responses`)
    await at.rig.store.revokeTokens('trial1')
    agent.socket.send(create())
    const [error = ''] = await agent.messages(1)
    expect(JSON.parse(error)).toMatchObject({
      type: 'error',
      status: 401,
      error: { code: 'E_TOKEN_UNKNOWN' },
      headers: { 'x-turnpike-error': 'E_TOKEN_UNKNOWN' },
    })
    expect(agent.socket.readyState).toBe(WebSocket.OPEN)
    expect(at.upstream.messages).toEqual([])
  })
})

describe('a refused message', () => {
  it('is recorded with its refusal, is not forwarded, and the next one passes', async () => {
    let calls = 0
    const refuse = new TurnpikeError('E_KEY_MISSING', 'enough for today')
    const url = await open(answer, () => ({ admit: async ({ method }) => (method === 'WS' && ++calls === 1 ? refuse : null) }))
    const agent = await openAgent(url)
    agent.socket.send(create({ stream_id: 's1' }))
    const [error = ''] = await agent.messages(1)
    expect(JSON.parse(error)).toMatchObject({ type: 'error', stream_id: 's1', status: 401, error: { code: 'E_KEY_MISSING' } })
    agent.socket.send('{"type":"response.cancel"}')
    agent.socket.send(create())
    await agent.messages(5)
    expect(calls).toBe(2)
    const [refused, , passed] = await at.asked()
    expect(refused).toMatchObject({ outcome: 'refused', status: 401, failure: { code: 'E_KEY_MISSING' } })
    expect(await at.answers(refused)).toEqual([error])
    expect(passed).toMatchObject({ outcome: 'complete', status: 200 })
    expect(at.upstream.messages).toHaveLength(2)
  })

  it('says that the model is served elsewhere than where the socket is open', async () => {
    const url = await open(answer, upstream => ({ routes: routesTo(upstream) }))
    const agent = await openAgent(url)
    agent.socket.send(create({ model: 'plain-1' }))
    agent.socket.send(create({ model: 'nobody-1' }))
    agent.socket.send(create({ model: 'local/gpt-x' }))
    const errors = (await agent.messages(6)).slice(0, 2).map(text => JSON.parse(text))
    expect(errors[0]).toMatchObject({ status: 404, error: { message: expect.stringContaining('is served by plain') } })
    expect(errors[1]).toMatchObject({ status: 404, error: { message: expect.stringContaining('no route for the model') } })
    expect(at.upstream.messages.map(({ data }) => data.toString())).toEqual([create({ model: 'gpt-x' })])
    expect(at.upstream.handshakes[0]?.url).toBe('/base/v1/responses')
    expect(await at.request((await at.asked())[2])).toBe(create({ model: 'local/gpt-x' }))
  })
})

it('each answered message decodes to a call with its usage, and nothing else does', async () => {
  const agent = await openAgent(await open(answer))
  agent.socket.send('{"type":"response.cancel"}')
  for (const generate of [false, true]) agent.socket.send(create({ generate }))
  await agent.messages(8)
  await at.asked()
  const report = await decodeExchanges(at.rig.store, {})
  expect(report).toMatchObject({ decoded: 2, undecodable: 0 })
  const calls = await at.rig.store.list('calls')
  expect(calls.map(({ modelAsked, complete, usage }) => [modelAsked, complete, usage?.input, usage?.output])).toEqual([
    ['gpt-test', true, 10, 5],
    ['gpt-test', true, 10, 5],
  ])
})

it('passes unrecorded while the store cannot be written, where that was asked for', async () => {
  const { store, release } = await openSlowStore()
  release()
  const begin: typeof store.recorder.begin = () => Promise.reject(new TurnpikeError('E_RECORD_FAILED', 'disk full'))
  const options = { store: { ...store, recorder: { ...store.recorder, begin } }, onRecordFailure: 'pass' } as const
  const agent = await openAgent(await open(answer, () => options))
  agent.socket.send(create())
  expect(await agent.messages(4)).toHaveLength(4)
  expect(await at.rig.exchanges()).toEqual([])
})
