// Too much of everything: a body of 100 MB, a million tiny events, 256 slow streams at once. Nothing is lost, nothing crashes, memory
// stays bounded; bench/streams.ts measures the last at length.
import { createHash } from 'node:crypto'
import http from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { ask } from '../client.ts'
import { openRig, type Rig } from '../rig.ts'
import {
  chunk,
  lastChunk,
  reply,
  startUpstream,
  streamHead,
  type Upstream,
  type UpstreamConnection,
  type UpstreamRequest,
} from '../upstream.ts'

let upstream: Upstream
let rig: Rig

async function open(answer: (request: UpstreamRequest, connection: UpstreamConnection) => void | Promise<void>): Promise<void> {
  upstream = await startUpstream((request, connection) => void answer(request, connection))
  rig = await openRig(upstream.url)
}

afterEach(async () => {
  await rig?.close()
  await upstream?.close()
})

const sha = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

/** A plain node:http upstream: the raw one joins buffers too slowly for bodies of this size. */
async function openHashing(): Promise<() => void> {
  const server = http.createServer((request, response) => {
    const hash = createHash('sha256')
    request.on('data', bytes => hash.update(bytes))
    request.on('end', () => response.end(hash.digest('hex')))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  rig = await openRig(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
  return () => void server.close()
}

it('a request of 100 MB passes and is recorded byte for byte', async () => {
  const close = await openHashing()
  const body = Buffer.concat([
    Buffer.from('{"model":"m","messages":[{"role":"user","content":"'),
    Buffer.alloc(100 * 1024 * 1024, 'abcdefg '),
    Buffer.from('"}]}'),
  ])
  const answered = await ask(`${rig.proxy.url}/s/big/v1/messages`, { body })
  expect(answered.body.toString()).toBe(sha(body))
  const [exchange] = await rig.exchanges()
  expect(sha(await rig.body(exchange, 'request'))).toBe(sha(body))
  close()
})

it('a request of 200 MB is a clear 413, and the next one passes', async () => {
  const close = await openHashing()
  const answered = await ask(`${rig.proxy.url}/s/big/v1/messages`, { body: Buffer.alloc(200 * 1024 * 1024) }).catch(() => null)
  if (answered !== null) expect(answered.status).toBe(413) // a client still busy sending may see the close before the answer
  expect((await ask(`${rig.proxy.url}/s/big/v1/messages`, { body: '{}' })).status).toBe(200)
  close()
})

it('a million tiny events arrive, and are stored, one for one', async () => {
  const events = 1_000_000
  const group = Array.from({ length: 1000 }, (_, index) => `data: ${index}\n\n`).join('')
  await open(async (_, connection) => {
    connection.write(streamHead)
    for (let sent = 0; sent < events; sent += 1000) {
      connection.write(chunk(group))
      if (sent % 20_000 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    connection.write(lastChunk)
  })
  const hash = createHash('sha256')
  let bytes = 0
  const answered = await new Promise<boolean>((resolve, reject) => {
    const request = http.request(`${rig.proxy.url}/s/tiny/v1/messages`, { method: 'POST', agent: false }, answer => {
      answer.on('data', (part: Buffer) => {
        hash.update(part)
        bytes += part.length
      })
      answer.on('end', () => resolve(answer.complete))
    })
    request.on('error', reject)
    request.end('{}')
  })
  expect(answered).toBe(true)
  expect(bytes).toBe(group.length * (events / 1000))
  const [exchange] = await rig.exchanges()
  expect(exchange?.responseBytes).toBe(bytes)
  expect(sha(await rig.body(exchange, 'response'))).toBe(hash.digest('hex'))
})

it('256 slow streams at once lose nothing, and a fast one beside them is not delayed', async () => {
  const streams = 256
  const events = 20
  await open(async (request, connection) => {
    if (request.target === '/v1/fast') return connection.write(reply('200 OK', [], 'fast'))
    connection.write(streamHead)
    for (let index = 0; index < events; index++) {
      await new Promise(resolve => setTimeout(resolve, 100))
      connection.write(chunk(`data: ${request.body.toString()} ${index}\n\n`))
    }
    connection.write(lastChunk)
  })
  const before = process.memoryUsage().rss
  const slow = Array.from({ length: streams }, (_, index) =>
    ask(`${rig.proxy.url}/s/slow/v1/messages`, { body: `stream ${index}` }),
  )
  await new Promise(resolve => setTimeout(resolve, 500))
  const times: number[] = []
  for (let time = 0; time < 20; time++) {
    const startedAt = performance.now()
    expect((await ask(`${rig.proxy.url}/s/fast/v1/fast`)).body.toString()).toBe('fast')
    times.push(performance.now() - startedAt)
  }
  const answers = await Promise.all(slow)
  const perStream = (process.memoryUsage().rss - before) / streams
  for (const [index, answer] of answers.entries())
    expect(answer.body.toString()).toBe(
      Array.from({ length: events }, (_, event) => `data: stream ${index} ${event}\n\n`).join(''),
    )
  expect((await rig.exchanges()).filter(exchange => exchange.outcome === 'complete')).toHaveLength(streams + 20)
  times.sort((a, b) => a - b)
  console.log(
    `256 streams: ${(perStream / 1024).toFixed(0)} KiB a stream (client, upstream and proxy in this process), a call beside them ${times[10]?.toFixed(1)} ms (median)`,
  )
  expect(perStream).toBeLessThan(1024 * 1024)
})
