import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startSimulated } from '../../../scenarios/simulated/server.ts'
import { kinds, modes, post, start } from './_server.ts'

const slow = 'rules: [{ steps: [{ text: "a simulated answer that takes its time", chunk_chars: 1, chunk_delay_ms: 60000 }] }]'

describe('startSimulated', () => {
  it('says where it is and counts model calls only', async () => {
    const notes: unknown[] = []
    const server = await start('rules: [{ steps: [{ text: simulated }] }]', { onCall: note => notes.push(note) })
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`)
    await (await fetch(`${server.url}/v1/models`)).text()
    await (await post(server, 'openai', 'hi', false)).text()
    await (await post(server, 'anthropic', 'hi', true)).text()
    expect(server.calls()).toBe(2)
    expect(notes).toEqual([
      { call: 1, protocol: 'openai-chat', model: 'model-x', stream: false, rule: 0, step: 0, fault: null },
      { call: 2, protocol: 'anthropic-messages', model: 'model-x', stream: true, rule: 0, step: 0, fault: null },
    ])
  })

  it('refuses a port that is taken', async () => {
    const other = createServer()
    const port = await new Promise<number>(resolve => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port))
    })
    try {
      await expect(startSimulated({ seed: 1, port })).rejects.toMatchObject({ code: 'E_PORT_IN_USE' })
    } finally {
      other.close()
    }
  })

  it.each(modes)('gives the same bytes for the same seed and requests: $kind, stream $stream', async ({ kind, stream }) => {
    const answers: string[] = []
    for (const seed of [7, 7, 8]) {
      const server = await start(undefined, { seed })
      const texts: string[] = []
      for (const text of ['one', 'two']) texts.push(await (await post(server, kind, text, stream)).text())
      answers.push(texts.join('\n'))
    }
    expect(answers[0]).toBe(answers[1])
    expect(answers[0]).not.toBe(answers[2])
  })

  it('serves 200 streams at once, each whole', async () => {
    const server = await start(
      'rules: [{ steps: [{ text: "a simulated answer in many small events", chunk_chars: 2, chunk_delay_ms: 3 }] }]',
    )
    const texts = await Promise.all(
      Array.from({ length: 200 }, async (_, index) =>
        (await post(server, kinds[index % 2] ?? 'openai', `number ${index}`, true)).text(),
      ),
    )
    for (const [index, text] of texts.entries()) expect(text).toContain(index % 2 === 0 ? 'event: message_stop' : 'data: [DONE]')
    expect(new Set(texts).size).toBe(200)
    expect(server.calls()).toBe(200)
  })
})

describe('close', () => {
  it('ends at once with streams and idle connections open, and frees the port', async () => {
    const server = await start(slow)
    await (await fetch(`${server.url}/v1/models`)).text()
    const open = await Promise.all(Array.from({ length: 20 }, () => post(server, 'anthropic', 'hi', true)))
    const readers = open.map(response =>
      response.text().then(
        () => 'clean',
        () => 'broken',
      ),
    )
    await server.close() // its streams would go on for longer than any test may take
    expect(new Set(await Promise.all(readers))).toEqual(new Set(['broken']))
    const again = await startSimulated({ seed: 1, port: server.port })
    await again.close()
    await again.close()
  })

  it('ends while connections are being refused', async () => {
    const server = await start('rules: [{ steps: [{ text: a, fault: { kind: refuse_connection, ms: 60000 } }] }]')
    await expect(post(server, 'openai', 'hi', true)).rejects.toThrow()
    await server.close()
  })
})

describe('a client that hangs up in the middle of a stream', () => {
  it('leaves nothing behind: no timer, no socket', async () => {
    const server = await start(slow)
    const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout' || name === 'TCPSocketWrap').length
    // What earlier tests left to expire would be missed in the middle of the count.
    for (let last = -1; last !== timers(); await new Promise(resolve => setTimeout(resolve, 300))) last = timers()
    const before = timers()
    for (const kind of kinds) {
      const hangUp = new AbortController()
      const response = await post(server, kind, 'hi', true, hangUp.signal)
      const reader = response.body?.getReader()
      await reader?.read()
      expect(timers()).toBeGreaterThan(before)
      hangUp.abort()
    }
    await expect.poll(timers, { timeout: 5_000 }).toBeLessThanOrEqual(before)
    expect(await (await post(server, 'openai', 'x', false)).text()).toContain('simulated')
  })
})
