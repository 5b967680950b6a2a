import { describe, expect, it } from 'vitest'
import { anthropicClient, kinds, modes, openaiClient, post, postRaw, start } from './_server.ts'

const text = 'a simulated answer of some length'
const script = (fault: string) => `rules: [{ steps: [{ text: ${text}, chunk_chars: 4, fault: { ${fault} } }] }]`
const terminal = { anthropic: 'message_stop', openai: '[DONE]' }

describe('faults on the wire', () => {
  it.each(modes)('status: $kind, stream $stream', async ({ kind, stream }) => {
    const server = await start(script('kind: status, status: 429, retry_after_s: 3, times: 2'))
    for (let time = 0; time < 2; time++) {
      const response = await post(server, kind, 'hi', stream)
      expect([response.status, response.headers.get('retry-after'), response.headers.get('x-turnpike-simulated')]).toEqual([
        429,
        '3',
        'true',
      ])
      const type = kind === 'anthropic' ? 'rate_limit_error' : 'requests'
      expect(await response.json()).toMatchObject({ error: { type } })
    }
    expect(await (await post(server, kind, 'hi', stream)).text()).toContain('simul')
    expect(server.calls()).toBe(3)
  })

  it.each(kinds)('status: the official client of %s retries and succeeds', async kind => {
    const server = await start(script('kind: status, status: 503, retry_after_s: 0, times: 2'))
    const messages = [{ role: 'user' as const, content: 'hi' }]
    if (kind === 'anthropic') {
      await anthropicClient(server).withOptions({ maxRetries: 2 }).messages.create({ model: 'm', max_tokens: 99, messages })
    } else {
      await openaiClient(server).withOptions({ maxRetries: 2 }).chat.completions.create({ model: 'm', messages })
    }
    expect(server.calls()).toBe(3)
  })

  it.each(modes)('cut: $kind, stream $stream is broken, not ended', async ({ kind, stream }) => {
    const server = await start(script('kind: cut, after_events: 4'))
    const raw = await postRaw(server, kind, 'hi', stream)
    expect(raw.text).toContain('200 OK')
    expect(raw.text).not.toContain(terminal[kind])
    // No last chunk: an HTTP client sees that the body is incomplete.
    expect(raw.text.endsWith('0\r\n\r\n')).toBe(false)
    if (stream) expect(raw.text.match(/^data: /gm)).toHaveLength(4)
    await expect(
      post(await start(script('kind: cut, after_events: 4')), kind, 'hi', stream).then(response => response.text()),
    ).rejects.toThrow()
    expect((await postRaw(server, kind, 'hi', stream)).text).toContain(stream ? terminal[kind] : 'simulated')
  })

  it.each(kinds)('cut: before the first event, head alone: %s', async kind => {
    const server = await start(script('kind: cut, after_events: 0'))
    const raw = await postRaw(server, kind, 'hi', true)
    expect(raw.text).toContain('200 OK')
    expect(raw.text).not.toContain('data: ')
  })

  it.each(modes)('stall: $kind, stream $stream is silent in the middle and then goes on', async ({ kind, stream }) => {
    const server = await start(script('kind: stall, after_events: 2, ms: 400'))
    const { text: received, packets } = await postRaw(server, kind, 'hi', stream)
    const gaps = packets.slice(1).map((packet, index) => packet.at - (packets[index]?.at ?? 0))
    // Where the machine is busy the bytes before the silence are seen late, and it looks shorter.
    expect(Math.max(...gaps)).toBeGreaterThan(200)
    expect(received).toContain(stream ? terminal[kind] : 'simulated')
  })

  it.each(modes)('malformed: $kind, stream $stream has one piece that is no JSON', async ({ kind, stream }) => {
    const server = await start(script('kind: malformed, after_events: 3'))
    const received = await (await post(server, kind, 'hi', stream)).text()
    const pieces = stream ? [...received.matchAll(/^data: (.*)$/gm)].map(match => match[1] ?? '') : [received]
    const broken = pieces.filter(piece => {
      try {
        JSON.parse(piece)
        return false
      } catch {
        return piece !== '[DONE]'
      }
    })
    expect(broken).toHaveLength(1)
    if (stream) expect([pieces.indexOf(broken[0] ?? ''), received.includes(terminal[kind])]).toEqual([3, true])
  })

  it.each(modes)('reset: $kind, stream $stream gets no byte', async ({ kind, stream }) => {
    const server = await start(script('kind: reset'))
    const raw = await postRaw(server, kind, 'hi', stream)
    expect([raw.text, raw.ending]).toEqual(['', 'reset'])
    expect((await post(server, kind, 'hi', stream)).status).toBe(200)
  })

  it.each(modes)('drip: $kind, stream $stream comes byte by byte and is the same', async ({ kind, stream }) => {
    const dripping = await start(script('kind: drip'))
    const slow = await postRaw(dripping, kind, 'hi', stream)
    const whole = await postRaw(dripping, kind, 'hi', stream)
    expect(slow.packets.length).toBeGreaterThan(whole.packets.length * 5)
    const fresh = await start(script('kind: drip'))
    const content = await (await post(fresh, kind, 'hi', stream)).text()
    const other = await (
      await post(await start(`rules: [{ steps: [{ text: ${text}, chunk_chars: 4 }] }]`), kind, 'hi', stream)
    ).text()
    expect(content).toBe(other)
  })

  it.each(kinds)('refuse_connection: %s finds nobody there for a while', async kind => {
    const server = await start(script('kind: refuse_connection, ms: 300'))
    expect((await postRaw(server, kind, 'hi', true)).ending).toBe('reset')
    expect((await postRaw(server, kind, 'hi', true)).ending).toBe('refused')
    await expect.poll(async () => (await postRaw(server, kind, 'hi', true)).ending, { timeout: 5_000, interval: 50 }).toBe('fin')
    expect(server.calls()).toBe(2)
  })

  it('a fault on one stream leaves the others alone', async () => {
    const server = await start(
      'rules: [{ when: { user: bad }, steps: [{ text: a, fault: { kind: cut } }] }, { steps: [{ text: abcdefgh, chunk_chars: 1, chunk_delay_ms: 10 }] }]',
    )
    const good = Promise.all(Array.from({ length: 10 }, async () => (await post(server, 'anthropic', 'good', true)).text()))
    await expect(post(server, 'openai', 'bad', true).then(response => response.text())).rejects.toThrow()
    for (const received of await good) expect(received).toContain('message_stop')
  })
})
