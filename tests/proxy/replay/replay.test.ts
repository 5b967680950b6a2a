import { afterEach, describe, expect, it } from 'vitest'
import { protocolById } from '../../../protocols/_all.ts'
import { openLibrary } from '../../../proxy/replay/library.ts'
import { createReplay } from '../../../proxy/replay/replay.ts'
import { ask, eventually, header } from '../../client.ts'
import { chunk, lastChunk, reply, streamHead, type UpstreamConnection, type UpstreamRequest } from '../../upstream.ts'
import { answerText, jsonHeaders, messagesBody, openReplayRig, type ReplayRig } from './_rig.ts'

let rig: ReplayRig
afterEach(() => rig?.close())

const json = ['content-type: application/json']
const post = (url: string, body: string | Buffer, headers: readonly string[] = []) =>
  ask(url, { body, headers: [...jsonHeaders, ...headers] })

/** Answers with the number of the request, so that a test sees which recorded answer came back. */
function counting(): (request: UpstreamRequest, connection: UpstreamConnection) => void {
  let count = 0
  return (_, connection) => {
    count++
    connection.write(reply('200 OK', [...json, `x-number: ${count}`, 'request-id: req_upstream'], answerText(`answer ${count}`)))
  }
}

const messages = '/v1/messages'

describe('a replayed answer', () => {
  it('has status, headers and bytes of the recording, says where it comes from, and asks nobody', async () => {
    rig = await openReplayRig(counting())
    const body = messagesBody({ first: 'Hello' })
    const recorded = await post(`${rig.recordUrl}${messages}`, body)
    const { url } = await rig.replay('recorded')
    const replayed = await post(`${url}/s/again${messages}`, body)
    expect(replayed.status).toBe(200)
    expect(replayed.body.equals(recorded.body)).toBe(true)
    const [first] = await rig.exchanges()
    expect(replayed.rawHeaders).toEqual([
      ...recorded.rawHeaders.slice(0, -2),
      'x-turnpike-replay',
      `${first?.id}; matched=bytes`,
      ...recorded.rawHeaders.slice(-2),
    ])
    expect(rig.upstream.requests).toHaveLength(1)
  })

  it('is recorded like any other traffic, under its own session and the route replay', async () => {
    rig = await openReplayRig(counting())
    await post(`${rig.recordUrl}${messages}`, messagesBody({ first: 'Hello' }))
    const { url } = await rig.replay('recorded')
    await post(`${url}/s/again${messages}`, messagesBody({ first: 'Hello' }))
    const [source, again] = await rig.exchanges()
    expect(again).toMatchObject({
      route: 'replay',
      outcome: 'complete',
      status: 200,
      failure: null,
      providerRequestId: 'req_upstream',
    })
    expect(again?.scope).not.toEqual(source?.scope)
    expect(await rig.body(again, 'response')).toEqual(await rig.body(source, 'response'))
  })

  it('never comes twice, but for bodyless probes, whose last one repeats', async () => {
    rig = await openReplayRig(counting())
    const body = messagesBody({ first: 'Hello' })
    await post(`${rig.recordUrl}${messages}`, body)
    await ask(`${rig.recordUrl}/v1/models`)
    await ask(`${rig.recordUrl}/v1/models`)
    const { url, replay } = await rig.replay('recorded')
    expect((await post(`${url}${messages}`, body)).status).toBe(200)
    const second = await post(`${url}${messages}`, body)
    expect([second.status, header(second, 'x-turnpike-error'), header(second, 'x-should-retry')]).toEqual([
      400,
      'E_REPLAY_MISS',
      'false',
    ])
    expect(JSON.parse(second.body.toString())).toMatchObject({
      type: 'error',
      error: { message: expect.stringContaining('replayed already; the two are equal') },
    })
    const numbers: Array<string | null> = []
    for (let i = 0; i < 4; i++) numbers.push(header(await ask(`${url}/v1/models`), 'x-number'))
    expect(numbers).toEqual(['2', '3', '3', '3'])
    expect(replay.tally()).toMatchObject({ matched: { bytes: 3, repeat: 2 }, missed: 1 })
  })

  it('is found at a path that differs in the id of a session, unless its own was recorded', async () => {
    rig = await openReplayRig(counting())
    const [a, b, c] = ['1', '2', '3'].map(digit => `/api/sessions/${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`)
    await ask(`${rig.recordUrl}${a}`)
    await ask(`${rig.recordUrl}${b}`)
    const { url } = await rig.replay('recorded')
    const numberAt = async (path: string | undefined) => header(await ask(`${url}${path}`), 'x-number')
    expect([await numberAt(b), await numberAt(c), await numberAt(a)]).toEqual(['2', '1', '1'])
    expect(await numberAt('/api/sessions/of-mine')).toBeNull()
  })

  it('begins anew for every replaying session', async () => {
    rig = await openReplayRig(counting())
    const body = messagesBody({ first: 'Hello' })
    await post(`${rig.recordUrl}${messages}`, body)
    const { url } = await rig.replay('recorded')
    for (const session of ['one', 'two']) expect((await post(`${url}/s/${session}${messages}`, body)).status).toBe(200)
    expect((await post(`${url}/s/one${messages}`, body)).status).toBe(400)
  })

  it('keeps the pieces of a stream, its encoding and its answer to HEAD', async () => {
    rig = await openReplayRig((request, connection) => {
      if (request.head.startsWith('HEAD')) return connection.write('HTTP/1.1 204 No Content\r\nx-probe: yes\r\n\r\n')
      connection.write(streamHead.replace('text/event-stream', 'text/plain'))
      for (const [index, piece] of ['one ', 'two ', 'three'].entries())
        setTimeout(
          () => connection.write(index === 2 ? Buffer.concat([chunk(piece), Buffer.from(lastChunk)]) : chunk(piece)),
          index * 60,
        )
    })
    const body = messagesBody({ first: 'Hello', stream: true })
    await post(`${rig.recordUrl}${messages}`, body)
    await ask(`${rig.recordUrl}/api/hello`, { method: 'HEAD' })
    const { url } = await rig.replay('recorded', { timing: 'recorded' })
    const pieces: string[] = []
    const startedAt = performance.now()
    await ask(`${url}${messages}`, { body, headers: jsonHeaders, onData: bytes => pieces.push(bytes.toString()) })
    expect(pieces).toEqual(['one ', 'two ', 'three'])
    expect(performance.now() - startedAt).toBeGreaterThan(100)
    const probe = await ask(`${url}/api/hello`, { method: 'HEAD' })
    expect([probe.status, header(probe, 'x-probe')]).toEqual([204, 'yes'])
  })
})

describe('recorded trouble', () => {
  it('comes back in its order: a 429, then what the retry got', async () => {
    let count = 0
    rig = await openReplayRig((_, connection) => {
      count++
      if (count === 1) connection.write(reply('429 Too Many Requests', [...json, 'retry-after: 1'], '{"type":"error"}'))
      else connection.write(reply('200 OK', json, answerText('at last')))
    })
    const at = (directory: string) => messagesBody({ first: `Work in ${directory}` })
    await post(`${rig.recordUrl}${messages}`, at('/var/aaa'))
    await post(`${rig.recordUrl}${messages}`, at('/var/aaa'))
    const { url } = await rig.replay('recorded')
    const first = await post(`${url}${messages}`, at('/var/bbb'))
    const second = await post(`${url}${messages}`, at('/var/bbb'))
    expect([first.status, header(first, 'retry-after'), second.status]).toEqual([429, '1', 200])
  })

  it('cuts a stream where it was cut, resets what was reset before its head', async () => {
    let count = 0
    rig = await openReplayRig((_, connection) => {
      count++
      if (count === 1) return connection.reset()
      connection.write(streamHead)
      connection.write(chunk('event: message_start\ndata: {}\n\n'))
      setTimeout(() => connection.reset(), 30)
    })
    const body = messagesBody({ first: 'Hello', stream: true })
    await expect(post(`${rig.recordUrl}${messages}`, body)).rejects.toThrow()
    const recorded = await post(`${rig.recordUrl}${messages}`, body)
    expect(recorded.broken).toBe(true)
    const { url } = await rig.replay('recorded')
    await expect(post(`${url}/s/again${messages}`, body)).rejects.toThrow()
    const replayed = await post(`${url}/s/again${messages}`, body)
    expect([replayed.broken, replayed.body.toString()]).toEqual([true, recorded.body.toString()])
    expect((await rig.exchanges()).map(exchange => exchange.outcome)).toEqual([
      'upstream-cut',
      'upstream-cut',
      'upstream-cut',
      'upstream-cut',
    ])
  })

  it('stays silent where the agent left, until it leaves again', async () => {
    rig = await openReplayRig((_, connection) => {
      connection.write(streamHead)
      connection.write(chunk('event: ping\ndata: {}\n\n'))
    })
    const body = messagesBody({ first: 'Hello', stream: true })
    const leaving = (url: string) =>
      ask(url, { body, headers: jsonHeaders, onData: (_, request) => setTimeout(() => request.destroy(), 30) })
    await leaving(`${rig.recordUrl}${messages}`)
    await eventually(async () => expect((await rig.exchanges())[0]?.outcome).toBe('client-aborted'))
    const { url } = await rig.replay('recorded')
    let ended = false
    const patient = ask(`${url}/s/patient${messages}`, { body, headers: jsonHeaders })
      .then(() => (ended = true))
      .catch(() => undefined)
    const again = await leaving(`${url}/s/again${messages}`)
    expect([again.broken, again.body.toString()]).toEqual([true, 'event: ping\ndata: {}\n\n'])
    const outcomes = async () => (await rig.store.exchanges({})).map(exchange => exchange.outcome).sort()
    await eventually(async () => expect(await outcomes()).toEqual(['client-aborted', 'client-aborted', 'in-flight']))
    expect(ended).toBe(false)
    await rig.close()
    await patient
  })
})

describe('a session asked again in another order', () => {
  const call = (id: string) => [{ type: 'tool_use', id, name: 'bash', input: { command: 'ls' } }]
  const result = (id: string, text: string) => [{ type: 'tool_result', tool_use_id: id, content: text }]
  /** Two conversations at once and a title for the first, as they are asked in a directory. */
  const questions = (directory: string) => {
    const tree = (id: string, text: string) => result(id, `${directory}: ${text}`)
    const main = (said: ReadonlyArray<readonly [unknown, unknown]> = []) =>
      messagesBody({
        first: `Write a parser for dates. <env>${directory}</env>`,
        said,
        system: `You write code in ${directory}.`,
      })
    const sub = (said: ReadonlyArray<readonly [unknown, unknown]> = []) =>
      messagesBody({ first: 'Find every use of the old parser and report back.', said, tools: ['bash'], system: 'You research.' })
    return {
      title: messagesBody({ first: 'Write a parser for dates.', tools: [], system: 'Name this conversation.', model: 'small' }),
      main1: main(),
      main2: main([[call('m1'), tree('m1', 'a.ts')]]),
      main3: main([
        [call('m1'), tree('m1', 'a.ts')],
        [call('m2'), tree('m2', 'b.ts')],
      ]),
      sub1: sub(),
      sub2: sub([[call('s1'), tree('s1', 'c.ts')]]),
    }
  }

  it('gives each call its own answer, the title’s too when it comes last', async () => {
    rig = await openReplayRig(counting())
    const then = questions('/var/then')
    const order = ['title', 'main1', 'sub1', 'main2', 'sub2', 'main3'] as const
    for (const name of order) await post(`${rig.recordUrl}${messages}`, then[name])
    const { url, replay } = await rig.replay('recorded')
    const now = questions('/var/now/elsewhere')
    const again = ['main1', 'main2', 'sub1', 'main3', 'title', 'sub2'] as const
    const numbers: Array<number> = []
    for (const name of again) numbers.push(Number(header(await post(`${url}${messages}`, now[name]), 'x-number')))
    expect(numbers).toEqual(again.map(name => order.indexOf(name) + 1))
    expect(replay.tally()).toMatchObject({ matched: { bytes: 2, place: 4 }, missed: 0 })
  })

  it('gives each call its own answer when all of them are asked at once', async () => {
    rig = await openReplayRig(counting())
    const then = questions('/var/then')
    const order = ['main1', 'title', 'sub1', 'main2', 'sub2', 'main3'] as const
    for (const name of order) await post(`${rig.recordUrl}${messages}`, then[name])
    const { url } = await rig.replay('recorded')
    const now = questions('/var/now/elsewhere')
    const answers = await Promise.all(order.toReversed().map(name => post(`${url}${messages}`, now[name])))
    expect(answers.map(answer => Number(header(answer, 'x-number')))).toEqual([6, 5, 4, 3, 2, 1])
    expect(rig.upstream.requests).toHaveLength(6)
  })
})

describe('a call that is not on record', () => {
  it('names the nearest recorded call and where the two part', async () => {
    rig = await openReplayRig(counting())
    const tool = [{ type: 'tool_use', id: 'toolu_1', name: 'bash', input: { command: 'ls' } }]
    const result = (text: string) => [{ type: 'tool_result', tool_use_id: 'toolu_1', content: text }]
    await post(`${rig.recordUrl}${messages}`, messagesBody({ first: 'Hello' }))
    await post(`${rig.recordUrl}${messages}`, messagesBody({ first: 'Hello', said: [[tool, result('a.txt')]] }))
    const { url } = await rig.replay('recorded')
    // Used up, and still nearer than the one that is not: it stands further along the same conversation.
    await post(`${url}${messages}`, messagesBody({ first: 'Hello', said: [[tool, result('a.txt')]] }))
    const other = [{ type: 'tool_use', id: 'toolu_2', name: 'bash', input: { command: 'pwd' } }]
    const answered = await post(
      `${url}${messages}`,
      messagesBody({
        first: 'Hello',
        said: [
          [tool, result('a.txt')],
          [other, 'And now?'],
        ],
      }),
    )
    const { message } = JSON.parse(answered.body.toString()).error
    const [, second] = await rig.exchanges()
    expect(message).toContain(`the nearest recorded call is ${second?.id}, which has been replayed already; they`)
    expect(message).toContain(' first differ at messages[3]: recorded nothing, asked {"content"')
    expect((await rig.exchanges()).at(-1)).toMatchObject({ outcome: 'refused', failure: { code: 'E_REPLAY_MISS' }, status: 400 })
  })

  it('says what is recorded when its address is not', async () => {
    rig = await openReplayRig(counting())
    await post(`${rig.recordUrl}${messages}`, messagesBody({ first: 'Hello' }))
    const { url } = await rig.replay('recorded')
    const answered = await post(`${url}/v1/chat/completions`, '{"messages":[]}')
    expect(answered.body.toString()).toContain(
      'nothing is recorded for POST /v1/chat/completions; recorded: POST /v1/messages (1)',
    )
  })

  it('is neither used up nor passed on for an agent that has left meanwhile', async () => {
    rig = await openReplayRig(counting())
    const body = Buffer.from(messagesBody({ first: 'Hello' }))
    await post(`${rig.recordUrl}${messages}`, body)
    const library = await openLibrary({ store: rig.store, ref: 'recorded', live: rig.store })
    const { layer, tally } = createReplay({ library, onMiss: 'forward', timing: 'zero' })
    const calls: string[] = []
    const log = (name: string) => () => void calls.push(name)
    const idle = { pause: () => {}, resume: () => {}, abort: () => {}, retries: () => 0 }
    const forward = () => {
      calls.push('forwarded')
      return idle
    }
    const next = { forward, close: () => {} }
    const events = { onHead: log('head'), onData: log('data'), onEnd: log('end'), onFailure: log('failure') }
    const start = (path: string) => {
      const scope = { kind: 'session', id: 'direct' } as const
      const exchange = { id: 'x', scope, turn: null, attempt: null, protocol: protocolById('anthropic-messages'), route: 'r' }
      const more = { method: 'POST', path, query: '', headers: [], body }
      const request = {
        exchange: { ...exchange, ...more },
        origin: new URL('http://replay.invalid'),
        target: path,
        trailers: [],
        ...more,
      }
      return layer(next).forward(request, events)
    }
    for (const path of [messages, '/v1/not/recorded']) start(path).abort()
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(calls).toEqual([])
    expect(tally()).toMatchObject({ matched: { bytes: 0 }, missed: 0, forwarded: 0 })
    start(messages)
    start('/v1/not/recorded')
    await eventually(() => expect(calls.toSorted()).toEqual(['data', 'end', 'forwarded', 'head']))
  })

  it('passes to the provider when that was asked for, and only then', async () => {
    rig = await openReplayRig(counting())
    await post(`${rig.recordUrl}${messages}`, messagesBody({ first: 'Hello' }))
    const { url, replay } = await rig.replay('recorded', { onMiss: 'forward' })
    expect(header(await post(`${url}${messages}`, messagesBody({ first: 'Hello' })), 'x-number')).toBe('1')
    const passed = await post(`${url}${messages}`, messagesBody({ first: 'Something else entirely' }))
    expect([header(passed, 'x-number'), header(passed, 'x-turnpike-replay')]).toEqual(['2', null])
    expect(replay.tally()).toMatchObject({ missed: 1, forwarded: 1 })
  })
})
