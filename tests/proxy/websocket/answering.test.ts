// Messages of the upstream through a whole proxy: which exchange they belong to, what is held until the commit, what a failed commit breaks.
import { afterEach, describe, expect, it } from 'vitest'
import { TurnpikeError } from '../../../core/errors.ts'
import type { ProxyOptions } from '../../../proxy/server.ts'
import { eventually } from '../../client.ts'
import { openSlowStore, openSocketRig, type SocketRig } from '../../socket-rig.ts'
import { answerMessages, create, openAgent, type UpstreamScript } from '../../sockets.ts'

let at: SocketRig

async function open(script: UpstreamScript, options?: (url: string) => Partial<ProxyOptions>): Promise<string> {
  at = await openSocketRig(script, options)
  return at.url
}

afterEach(() => at?.close())

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('the message that ends an answer', () => {
  it('is held until the exchange is committed, and all behind it, in order', async () => {
    const { store, release } = await openSlowStore()
    const url = await open(
      {
        onMessage: ({ send }) => {
          answerMessages('resp_1').forEach(send)
          send('{"type":"codex.rate_limits"}')
        },
      },
      () => ({ store }),
    )
    const agent = await openAgent(url)
    agent.socket.send(create())
    await agent.messages(3)
    await pause(150)
    expect(agent.texts()).toEqual(answerMessages('resp_1').slice(0, 3))
    release()
    expect(await agent.messages(5)).toEqual([...answerMessages('resp_1'), '{"type":"codex.rate_limits"}'])
  })

  it('is never given when the commit fails: the socket is broken off', async () => {
    const { store, fail, release } = await openSlowStore()
    const url = await open({ onMessage: ({ send }) => answerMessages('resp_1').forEach(send) }, () => ({ store }))
    const agent = await openAgent(url)
    agent.socket.send(create())
    await agent.messages(3)
    fail()
    expect(await agent.closed).toMatchObject({ code: 1006 })
    expect(agent.texts()).toEqual(answerMessages('resp_1').slice(0, 3))
    await at.upstream.sockets[0]?.closed
    release()
  })
})

describe('when the store cannot be written', () => {
  it('a new message is refused in the dialect and not forwarded; the socket stays open and serves again', async () => {
    const { store, release } = await openSlowStore()
    release()
    let broken = true
    const begin: typeof store.recorder.begin = async exchange => {
      if (broken && exchange.method === 'WS') throw new TurnpikeError('E_RECORD_FAILED', 'disk full')
      return store.recorder.begin(exchange)
    }
    const url = await open({ onMessage: ({ send }) => answerMessages('resp_1').forEach(send) }, () => ({
      store: { ...store, recorder: { ...store.recorder, begin } },
    }))
    const agent = await openAgent(url)
    agent.socket.send(create())
    const [error = ''] = await agent.messages(1)
    expect(JSON.parse(error)).toMatchObject({
      type: 'error',
      status: 503,
      error: { code: 'E_RECORD_FAILED' },
      headers: { 'retry-after': '1' },
    })
    expect(at.upstream.messages).toEqual([])
    broken = false
    agent.socket.send(create())
    expect((await agent.messages(5)).slice(1)).toEqual(answerMessages('resp_1'))
  })
})

describe('messages of several answers at once', () => {
  it('go to the exchange of their stream', async () => {
    const one = answerMessages('resp_1', 'one', { stream_id: 'a' })
    const two = answerMessages('resp_2', 'two', { stream_id: 'b' })
    const mixed = one.flatMap((message, index) => [two[index] ?? '', message])
    const url = await open({ onMessage: ({ send }, data) => data.includes('"b"') && mixed.forEach(send) })
    const agent = await openAgent(url)
    agent.socket.send(create({ stream_id: 'a' }))
    agent.socket.send(create({ stream_id: 'b' }))
    expect(await agent.messages(8)).toEqual(mixed)
    const [first, second] = await at.asked()
    expect(await at.answers(first)).toEqual(one)
    expect(await at.answers(second)).toEqual(two)
  })

  it('without a stream go to the one that was asked first', async () => {
    const both = [...answerMessages('resp_1'), ...answerMessages('resp_2')]
    let asked = 0
    const url = await open({ onMessage: ({ send }) => ++asked === 2 && both.forEach(send) })
    const agent = await openAgent(url)
    agent.socket.send(create())
    agent.socket.send(create())
    expect(await agent.messages(8)).toEqual(both)
    const [first, second] = await at.asked()
    expect(await at.answers(first)).toEqual(answerMessages('resp_1'))
    expect(await at.answers(second)).toEqual(answerMessages('resp_2'))
  })
})

describe('a message nobody asked for', () => {
  it.each(['before the first', 'between two'])('%s is an exchange with an empty request', async where => {
    const notice = '{"type":"codex.rate_limits","left":3}'
    const url = await open({
      onOpen: ({ send }) => where === 'before the first' && send(notice),
      onMessage: ({ send }) => {
        answerMessages('resp_1').forEach(send)
        if (where === 'between two') setTimeout(() => send(notice), 30)
      },
    })
    const agent = await openAgent(url)
    agent.socket.send(create())
    const texts = await agent.messages(5)
    expect(texts[where === 'before the first' ? 0 : 4]).toBe(notice)
    const exchanges = await at.asked()
    const unasked = exchanges.find(({ requestBytes }) => requestBytes === 0)
    expect(unasked).toMatchObject({ protocol: null, outcome: 'complete', status: 200 })
    expect(await at.answers(unasked)).toEqual([notice])
    expect(exchanges).toHaveLength(2)
  })
})

it('an error event ends its exchange', async () => {
  const error = '{"type":"error","status":429,"error":{"type":"rate_limit_exceeded","message":"slow down"}}'
  const url = await open({ onMessage: ({ send }) => send(error) })
  const agent = await openAgent(url)
  agent.socket.send(create())
  expect(await agent.messages(1)).toEqual([error])
  expect(await at.asked()).toMatchObject([{ status: 200, outcome: 'complete', failure: null }])
})

it('a flood is paused at its source while the agent does not read, and arrives whole', async () => {
  const message = JSON.stringify({ type: 'response.output_text.delta', delta: 'x'.repeat(100_000) })
  const total = 400
  let sent = 0
  const url = await open({
    onMessage: ({ socket }) => {
      const next = (): void => {
        if (sent === total) return socket.send(answerMessages('resp_1')[3] ?? '')
        sent++
        socket.send(message, next)
      }
      next()
    },
  })
  const agent = await openAgent(url)
  agent.socket.send(create())
  await agent.messages(1)
  agent.socket.pause()
  // Until the upstream has come to a stand.
  for (let last = -1; last !== sent; await pause(500)) last = sent
  // What the kernel's buffers on both connections take, and not much more.
  expect(sent).toBeLessThan(total / 2)
  agent.socket.resume()
  const texts = await agent.messages(total + 1, 40_000)
  expect(texts.slice(0, total).every(text => text === message)).toBe(true)
  const exchange = await eventually(async () => {
    const [asked] = await at.asked()
    expect(asked?.outcome).toBe('complete')
    return asked
  })
  expect(exchange?.responseBytes).toBe(total * (message.length + 10) + (answerMessages('resp_1')[3] ?? '').length + 4)
}, 60_000)

it('a flood of messages is paused at the agent while the upstream does not read, and arrives whole', async () => {
  const url = await open({ onOpen: ({ socket }) => socket.pause() })
  const agent = await openAgent(url)
  let left = 0
  for (let index = 0; index < 200; index++) agent.socket.send(create({ index, pad: 'x'.repeat(100_000) }), () => left++)
  await pause(2000)
  expect(left).toBeLessThan(150)
  at.upstream.sockets[0]?.socket.resume()
  await eventually(() => expect(at.upstream.messages).toHaveLength(200), 60_000)
  expect(at.upstream.messages.map(({ data }) => JSON.parse(data.toString()).index)).toEqual(
    Array.from({ length: 200 }, (_, index) => index),
  )
  agent.socket.terminate()
}, 90_000)
