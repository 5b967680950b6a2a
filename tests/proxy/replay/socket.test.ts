import { afterEach, describe, expect, it } from 'vitest'
import { protocolById } from '../../../protocols/_all.ts'
import { openLibrary } from '../../../proxy/replay/library.ts'
import type { ReplayOptions } from '../../../proxy/replay/options.ts'
import { createReplay, type Replay } from '../../../proxy/replay/replay.ts'
import { type RunningProxy, startProxy } from '../../../proxy/server.ts'
import { singleUpstream } from '../../../proxy/single-upstream.ts'
import type { LinkEvents } from '../../../proxy/websocket/link.ts'
import { eventually } from '../../client.ts'
import { openSocketRig, type SocketRig } from '../../socket-rig.ts'
import { answerMessages, create, openAgent, type Refused, type UpstreamScript } from '../../sockets.ts'

let rig: SocketRig
let proxy: RunningProxy | undefined
afterEach(async () => {
  await proxy?.drain(0)
  proxy = undefined
  await rig?.close()
})

async function replay(options: Partial<ReplayOptions> = {}): Promise<{ readonly url: string; readonly replay: Replay }> {
  const { store } = rig.rig
  const library = await openLibrary({ store, ref: 'socket', live: store })
  const made = createReplay({ library, onMiss: 'fail', timing: 'zero', ...options })
  const forwards = options.onMiss === 'forward'
  proxy = await startProxy({
    store,
    host: '127.0.0.1',
    port: 0,
    routes: forwards ? singleUpstream(rig.upstream.url) : singleUpstream('http://replay.invalid', { name: 'replay' }),
    onRecordFailure: 'refuse',
    version: 'test',
    layers: [made.layer],
    linkLayers: [made.linkLayer],
  })
  return { url: `${proxy.url}/s/again/v1/responses`, replay: made }
}

const say = (text: string, fields: object = {}) => create({ input: [{ role: 'user', content: text }], ...fields })
const result = (output: string) => [{ type: 'function_call_output', call_id: 'call_1', output }]

/** Answers each message with the next number, in four messages. */
function counting(): UpstreamScript {
  let count = 0
  return {
    headers: ['x-upstream: real'],
    onMessage: ({ send }) => {
      count++
      for (const message of answerMessages(`resp_${count}`, `answer ${count}`)) send(message)
    },
  }
}

/** One message and its answer, recorded; the agent leaves after it. */
async function recordHello(): Promise<void> {
  rig = await openSocketRig(counting())
  const agent = await openAgent(rig.url)
  agent.socket.send(say('hello'))
  await agent.messages(4)
  agent.socket.terminate()
}

describe('a replayed WebSocket', () => {
  it('gives the recorded messages again, message by message, and opens no connection', async () => {
    rig = await openSocketRig(counting())
    const agent = await openAgent(rig.url)
    const asked = [say('work in /var/one'), create({ previous_response_id: 'resp_1', input: result('one') })]
    const recorded: string[] = []
    for (const [index, message] of asked.entries()) {
      agent.socket.send(message)
      recorded.splice(0, recorded.length, ...(await agent.messages((index + 1) * 4)))
    }
    agent.socket.close(1000)
    await agent.closed
    const { url, replay: made } = await replay()
    const again = await openAgent(url)
    again.socket.send(say('work in /var/two'))
    await again.messages(4)
    again.socket.send(create({ previous_response_id: 'resp_1', input: result('two, and more') }))
    expect(await again.messages(8)).toEqual(recorded)
    again.socket.ping('are you there')
    await new Promise(resolve => again.socket.once('pong', resolve))
    again.socket.close(1000, 'done')
    expect(await again.closed).toEqual({ code: 1000, reason: 'done' })
    expect(rig.upstream.handshakes).toHaveLength(1)
    expect(made.tally()).toMatchObject({ matched: { bytes: 1, place: 2 }, missed: 0 })
    const exchanges = (await rig.asked()).slice(2)
    expect(exchanges.map(({ route, outcome, status }) => `${route} ${outcome} ${status}`)).toEqual([
      'replay complete 200',
      'replay complete 200',
    ])
    expect(await rig.answers(exchanges[1])).toEqual(recorded.slice(4))
  })

  it('keeps the warm-up apart from the call it warms up for', async () => {
    rig = await openSocketRig(counting())
    const agent = await openAgent(rig.url)
    agent.socket.send(say('hello', { generate: false }))
    await agent.messages(4)
    agent.socket.send(say('hello'))
    await agent.messages(8)
    agent.socket.terminate()
    const { url } = await replay()
    const again = await openAgent(url)
    again.socket.send(say('hello', { client_metadata: { run: 2 } }))
    const [created = ''] = await again.messages(4)
    expect(JSON.parse(created).response.id).toBe('resp_2')
  })

  it('refuses a message that is not on record, records why, and stays open', async () => {
    await recordHello()
    const { url, replay: made } = await replay()
    const again = await openAgent(url)
    again.socket.send(create({ previous_response_id: 'resp_77', input: result('x') }))
    const [refused = ''] = await again.messages(1)
    expect(JSON.parse(refused)).toMatchObject({
      type: 'error',
      status: 400,
      error: { message: expect.stringContaining('the nearest recorded call is') },
    })
    again.socket.send(say('hello'))
    expect(await again.messages(5)).toHaveLength(5)
    expect((await rig.asked())[1]).toMatchObject({ failure: { code: 'E_REPLAY_MISS' } })
    expect(made.tally()).toMatchObject({ matched: { bytes: 2 }, missed: 1 })
  })

  it('breaks off where the connection broke', async () => {
    rig = await openSocketRig({
      onMessage: ({ send, socket }) => {
        send(answerMessages('resp_1')[0] ?? '')
        setTimeout(() => socket.terminate(), 20)
      },
    })
    const agent = await openAgent(rig.url)
    agent.socket.send(say('hello'))
    const recorded = await agent.messages(1)
    await agent.closed
    await eventually(async () => expect((await rig.asked())[0]?.outcome).toBe('upstream-cut'))
    const { url } = await replay()
    const again = await openAgent(url)
    again.socket.send(say('hello'))
    expect(await again.messages(1)).toEqual(recorded)
    expect((await again.closed).code).toBe(1006)
    await eventually(async () => expect((await rig.asked())[1]?.outcome).toBe('upstream-cut'))
  })

  it('says nothing to what asks for nothing', async () => {
    await recordHello()
    const { url, replay: made } = await replay()
    const again = await openAgent(url)
    again.socket.send('{"type":"response.processed","response_id":"resp_1"}')
    again.socket.send(say('hello'))
    const [first = ''] = await again.messages(4)
    expect(JSON.parse(first).type).toBe('response.created')
    expect([again.received.length, made.tally().missed]).toEqual([4, 0])
  })

  it('waits while it is paused, from the first message on', async () => {
    await recordHello()
    const [handshake, asked] = await rig.rig.exchanges()
    const library = await openLibrary({ store: rig.rig.store, ref: 'socket', live: rig.rig.store })
    const { linkLayer } = createReplay({ library, onMiss: 'fail', timing: 'zero' })
    const received: string[] = []
    const events = {
      onOpen: () => received.push('open'),
      onMessage: ({ payload }: { payload: Buffer }) => received.push(JSON.parse(payload.toString()).type),
    } as unknown as LinkEvents
    const exchange = {
      id: 'x',
      scope: { kind: 'session', id: 'direct' },
      turn: null,
      attempt: null,
      protocol: protocolById('openai-responses'),
      route: 'replay',
      method: 'GET',
      path: handshake?.path ?? '',
      query: '',
      headers: [],
      body: Buffer.alloc(0),
    } as const
    const request = {
      exchange,
      origin: new URL('http://replay.invalid'),
      target: '/',
      headers: [],
      subprotocols: [],
      compression: false,
    }
    const link = linkLayer({ open: () => expect.unreachable() }).open(request, events)
    await eventually(() => expect(received).toEqual(['open']))
    link.pause()
    const payload = await rig.rig.body(asked, 'request')
    link.send({ payload, binary: false }, { ...exchange, method: 'WS', body: payload })
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(received).toEqual(['open'])
    link.resume()
    await eventually(() => expect(received).toHaveLength(5))
    link.terminate()
  })

  it('keeps the recorded times', async () => {
    rig = await openSocketRig({
      onMessage: ({ send }) => {
        for (const [index, message] of answerMessages('resp_1').entries()) setTimeout(() => send(message), index * 50)
      },
    })
    const agent = await openAgent(rig.url)
    agent.socket.send(say('hello'))
    const recorded = await agent.messages(4)
    agent.socket.terminate()
    const { url } = await replay({ timing: 'recorded' })
    const again = await openAgent(url)
    const startedAt = performance.now()
    again.socket.send(say('hello'))
    expect(await again.messages(4)).toEqual(recorded)
    expect(performance.now() - startedAt).toBeGreaterThan(140)
  })
})

describe('a handshake', () => {
  it('that is not on record is told to send plain requests', async () => {
    await recordHello()
    const { url } = await replay()
    const refused = (await openAgent(url.replace('/responses', '/other')).catch(error => error)) as Refused
    expect(refused.status).toBe(426)
    expect(refused.body).toContain('the recording has no WebSocket at /v1/other')
    const plain = await fetch(url)
    expect([plain.status, plain.headers.get('x-turnpike-error')]).toEqual([400, 'E_REPLAY_MISS'])
  })

  it('that was refused is refused again, as it was', async () => {
    rig = await openSocketRig({
      refuse: socket => socket.end('HTTP/1.1 403 Forbidden\r\nx-why: no\r\ncontent-length: 4\r\nconnection: close\r\n\r\nshut'),
    })
    await openAgent(rig.url).catch(() => undefined)
    const { url } = await replay()
    const refused = (await openAgent(url).catch(error => error)) as Refused
    expect([refused.status, refused.body, refused.rawHeaders.includes('x-why')]).toEqual([403, 'shut', true])
    expect(rig.upstream.handshakes).toHaveLength(1)
  })

  it('passes to the provider whole where misses may', async () => {
    await recordHello()
    const { url } = await replay({ onMiss: 'forward' })
    const again = await openAgent(url)
    again.socket.send(say('hello'))
    const [created = ''] = await again.messages(4)
    expect(JSON.parse(created).response.id).toBe('resp_2')
    again.socket.terminate()
  })
})
