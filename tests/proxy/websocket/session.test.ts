// How a WebSocket ends, whoever ends it: codes pass, breaks stay breaks, exchanges say what happened; pings; draining.
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
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

const [created = '', delta = ''] = answerMessages('resp_1')
const half: UpstreamScript = { onMessage: ({ send }) => [created, delta].forEach(send) }

describe('the agent', () => {
  it('that closes in the middle of an answer has aborted: the upstream is closed at once, with its code', async () => {
    const agent = await openAgent(await open(half))
    agent.socket.send(create())
    await agent.messages(2)
    agent.socket.close(4321, 'enough')
    expect(await at.upstream.sockets[0]?.closed).toEqual({ code: 4321, reason: 'enough' })
    const [exchange] = await at.asked()
    expect(exchange).toMatchObject({ outcome: 'client-aborted', status: null, failure: { code: 'E_CLIENT_ABORTED' } })
    expect(await at.answers(exchange)).toEqual([created, delta])
  })

  it('that breaks off in the middle of an answer breaks the upstream off', async () => {
    const agent = await openAgent(await open(half))
    agent.socket.send(create())
    await agent.messages(2)
    agent.socket.terminate()
    expect((await at.upstream.sockets[0]?.closed)?.code).toBe(1006)
    expect(await at.asked()).toMatchObject([{ outcome: 'client-aborted', status: null }])
  })

  it.each([
    ['with 1000', 1000],
    ['without a status', undefined],
  ])('that closes %s after the answer has not aborted', async (_, code) => {
    const agent = await openAgent(await open({ onMessage: ({ send }) => answerMessages('resp_1').forEach(send) }))
    agent.socket.send(create())
    await agent.messages(4)
    agent.socket.close(code)
    expect((await at.upstream.sockets[0]?.closed)?.code).toBe(code ?? 1005)
    expect(await at.asked()).toMatchObject([{ outcome: 'complete', status: 200, failure: null }])
  })

  it('that closes right behind a message has its message forwarded first', async () => {
    const agent = await openAgent(await open({}))
    agent.socket.send(create())
    agent.socket.close(1000)
    expect((await at.upstream.sockets[0]?.closed)?.code).toBe(1000)
    expect(at.upstream.messages.map(({ data }) => data.toString())).toEqual([create()])
    expect(await at.asked()).toMatchObject([{ outcome: 'client-aborted' }])
  })

  it('that closes while its message is being committed has it forwarded first', async () => {
    const { store, release } = await openSlowStore()
    release()
    const begin: typeof store.recorder.begin = async exchange => {
      await new Promise(resolve => setTimeout(resolve, 300))
      return store.recorder.begin(exchange)
    }
    const agent = await openAgent(await open({}, () => ({ store: { ...store, recorder: { ...store.recorder, begin } } })))
    agent.socket.send(create())
    agent.socket.close(1000)
    expect((await at.upstream.sockets[0]?.closed)?.code).toBe(1000)
    expect(at.upstream.messages).toHaveLength(1)
  })

  it('that hangs up while the end of its answer is committed was answered', async () => {
    const { store, release } = await openSlowStore()
    const script = { onMessage: ({ send }: { send: (data: string) => void }) => answerMessages('resp_1').forEach(send) }
    const agent = await openAgent(await open(script, () => ({ store })))
    agent.socket.send(create())
    await agent.messages(3)
    agent.socket.terminate()
    await at.upstream.sockets[0]?.closed
    release()
    expect(await at.asked()).toMatchObject([{ outcome: 'complete', status: 200, failure: null }])
  })
})

describe('the upstream', () => {
  it('that closes in the middle of an answer cuts it; the agent gets the same code behind what came', async () => {
    const agent = await openAgent(
      await open({
        onMessage: ({ send, socket }) => {
          for (const message of [created, delta]) send(message)
          socket.close(1011, 'internal error')
        },
      }),
    )
    agent.socket.send(create())
    expect(await agent.closed).toEqual({ code: 1011, reason: 'internal error' })
    expect(agent.texts()).toEqual([created, delta])
    const [exchange] = await at.asked()
    expect(exchange).toMatchObject({ outcome: 'upstream-cut', status: null, failure: { code: 'E_UPSTREAM_CUT' } })
    expect(exchange?.failure?.message).toContain('1011 internal error')
    expect(await at.answers(exchange)).toEqual([created, delta])
  })

  it.each([
    ['is reset', 'resetAndDestroy'],
    ['ends without a close frame', 'destroySoon'],
  ] as const)('that %s in the middle of an answer breaks the agent’s socket, never closes it', async (_, how) => {
    const agent = await openAgent(
      await open({
        onMessage: ({ send, raw }) => {
          for (const message of [created, delta]) send(message)
          setTimeout(() => raw[how](), 50)
        },
      }),
    )
    agent.socket.send(create())
    expect(await agent.closed).toMatchObject({ code: 1006 })
    expect(agent.texts()).toEqual([created, delta])
    expect(await at.asked()).toMatchObject([{ outcome: 'upstream-cut', status: null, failure: { code: 'E_UPSTREAM_CUT' } }])
  })

  it('that breaks off behind large messages: what came still reaches the agent, compressed or not', async () => {
    const large = Array.from({ length: 20 }, (_, index) =>
      JSON.stringify({ type: 'x', index, pad: randomBytes(60_000).toString('hex') }),
    )
    const settings = { perMessageDeflate: true }
    const script: UpstreamScript = {
      settings,
      onMessage: ({ send, socket, raw }) => {
        large.forEach(send)
        // Told when the last has left `ws`, which compresses meanwhile: what is broken off before never left the provider.
        socket.send('{"type":"last"}', () => raw.destroySoon())
      },
    }
    const agent = await openAgent(await open(script), settings)
    agent.socket.pause()
    agent.socket.send(create())
    await eventually(() => expect(at.upstream.sockets[0]?.raw.destroyed).toBe(true), 30_000)
    agent.socket.resume()
    expect(await agent.closed).toMatchObject({ code: 1006 })
    expect(agent.texts()).toEqual([...large, '{"type":"last"}'])
  })

  it('that sends what is no frame breaks the agent’s socket', async () => {
    const agent = await openAgent(await open({ onMessage: ({ raw }) => raw.write(Buffer.from([0xff, 0xff, 1, 2])) }))
    agent.socket.send(create())
    expect(await agent.closed).toMatchObject({ code: 1006 })
    expect(await at.asked()).toMatchObject([{ outcome: 'upstream-cut' }])
  })

  it('that closes between answers closes the agent’s socket with its code', async () => {
    const agent = await openAgent(
      await open({
        onMessage: ({ send, socket }) => {
          answerMessages('resp_1').forEach(send)
          socket.close(1001, 'sixty minutes are over')
        },
      }),
    )
    agent.socket.send(create())
    expect(await agent.closed).toEqual({ code: 1001, reason: 'sixty minutes are over' })
    expect(agent.texts()).toEqual(answerMessages('resp_1'))
    expect(await at.asked()).toMatchObject([{ outcome: 'complete', status: 200, failure: null }])
  })
})

it('pings and pongs cross both ways with their data, and nobody answers in another’s place', async () => {
  const url = await open({ settings: { autoPong: false } })
  const agent = await openAgent(url, { autoPong: false })
  const seen: string[] = []
  const upstream = at.upstream.sockets[0]?.socket
  upstream?.on('ping', data => seen.push(`upstream ping ${data}`))
  upstream?.on('pong', data => seen.push(`upstream pong ${data}`))
  agent.socket.on('ping', data => seen.push(`agent ping ${data}`))
  agent.socket.on('pong', data => seen.push(`agent pong ${data}`))
  agent.socket.ping('a')
  upstream?.ping('b')
  await eventually(() => expect(seen).toHaveLength(2))
  await new Promise(resolve => setTimeout(resolve, 100)) // for a pong nobody sent
  expect(seen.sort()).toEqual(['agent ping b', 'upstream ping a'])
  agent.socket.pong('c')
  upstream?.pong('d')
  await eventually(() => expect(seen).toHaveLength(4))
  expect(seen.sort()).toEqual(['agent ping b', 'agent pong d', 'upstream ping a', 'upstream pong c'])
})

describe('draining', () => {
  it('closes an idle socket at once', async () => {
    const agent = await openAgent(await open({}))
    await at.rig.proxy.drain(600_000) // longer than any test may take
    expect(await agent.closed).toMatchObject({ code: 1001 })
    expect((await at.upstream.sockets[0]?.closed)?.code).toBe(1001)
  })

  it('lets a running answer end, refuses new messages, and closes then', async () => {
    let go = (): void => undefined
    const url = await open({
      onMessage: ({ send }) => {
        send(created)
        go = () => answerMessages('resp_1').slice(1).forEach(send)
      },
    })
    const agent = await openAgent(url)
    agent.socket.send(create())
    await agent.messages(1)
    const drained = at.rig.proxy.drain(10_000)
    agent.socket.send(create())
    expect(JSON.parse((await agent.messages(2))[1] ?? '')).toMatchObject({ status: 503, error: { code: 'E_DRAINING' } })
    go()
    expect(await agent.closed).toMatchObject({ code: 1001 })
    expect(agent.texts().at(-1)).toBe(answerMessages('resp_1').at(-1))
    await drained
    expect(await at.asked()).toMatchObject([{ outcome: 'complete', status: 200 }])
  })

  it('cuts what does not end within the grace time', async () => {
    const agent = await openAgent(await open(half))
    agent.socket.send(create())
    await agent.messages(2)
    await at.rig.proxy.drain(200)
    expect(await agent.closed).toMatchObject({ code: 1006 })
    expect((await at.upstream.sockets[0]?.closed)?.code).toBe(1006)
    expect(await at.asked()).toMatchObject([{ outcome: 'client-aborted', failure: { code: 'E_DRAINING' } }])
  })
})
