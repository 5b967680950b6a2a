// kill -9 of a real proxy process under 32 streaming clients, at random moments. What reached a client in full must be in the store
// byte for byte; every call the upstream saw must be found; the store must open and verify. TURNPIKE_KILLS=200 for the long run.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { openStore } from '../../store/open.ts'
import { chunk, lastChunk, startUpstream, streamHead, type UpstreamConnection, type UpstreamRequest } from '../upstream.ts'

const kills = Number(process.env['TURNPIKE_KILLS'] ?? 8)
const clients = 32
const seed = Number(process.env['TURNPIKE_SEED'] ?? 20261121)

function random(state: { value: number }): number {
  state.value = (Math.imul(state.value, 1664525) + 1013904223) >>> 0
  return state.value / 2 ** 32
}

const event = (name: string, data: string) => `event: ${name}\ndata: ${data}\n\n`

/** Streams 3-12 events a few milliseconds apart that carry the call's own number, so that no two answers are alike. */
async function streamAnswer(request: UpstreamRequest, connection: UpstreamConnection): Promise<void> {
  const call = /"call":"([^"]+)"/.exec(request.body.toString())?.[1] ?? '?'
  const events = 3 + (call.length % 10)
  connection.write(streamHead)
  for (let index = 0; index < events; index++) {
    connection.write(chunk(event('content_block_delta', `{"call":"${call}","index":${index},"pad":"${'x'.repeat(index * 97)}"}`)))
    await new Promise(resolve => setTimeout(resolve, 1 + (index % 4)))
  }
  connection.write(chunk(event('message_stop', `{"type":"message_stop","call":"${call}"}`)))
  connection.write(lastChunk)
}

/** Asks once; the text when the terminal event arrived whole, else null. */
function askOnce(port: number, call: string): Promise<string | null> {
  return new Promise(resolve => {
    const body = `{"model":"m","call":"${call}","messages":[{"role":"user","content":"${'history '.repeat(200)}"}]}`
    let text = ''
    const whole = () => (text.includes('"type":"message_stop"') && text.endsWith('\n\n') ? text : null)
    const request = http.request({ port, method: 'POST', path: '/s/kill/v1/messages', agent: false }, answer => {
      answer.setEncoding('utf8')
      answer.on('data', part => {
        text += part
      })
      answer.on('end', () => resolve(whole()))
      answer.on('error', () => resolve(whole()))
    })
    request.on('error', () => resolve(null))
    request.end(body)
  })
}

function startProxyProcess(directory: string, upstream: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(
    process.execPath,
    ['cli/turnpike.mjs', 'proxy', '--store', directory, '--port', '0', '--upstream', upstream, '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the proxy ended with ${code} before it listened`)))
    createInterface({ input: child.stdout! }).on('line', line => {
      const { event: type, url } = JSON.parse(line) as { event: string; url: string }
      if (type === 'listening') resolve({ child, port: Number(new URL(url).port) })
    })
  })
}

it(
  `${kills} kills lose no answered call`,
  async () => {
    const state = { value: seed }
    const directory = await mkdtemp(join(tmpdir(), 'turnpike-kill-'))
    const upstream = await startUpstream((request, connection) => void streamAnswer(request, connection))
    const answered = new Map<string, string>()
    let number = 0
    for (let kill = 0; kill < kills; kill++) {
      const { child, port } = await startProxyProcess(directory, upstream.url)
      let alive = true
      const client = async (): Promise<void> => {
        while (alive) {
          const call = `${kill}-${number++}`
          const text = await askOnce(port, call)
          if (text !== null) answered.set(call, text)
        }
      }
      const before = answered.size
      const running = Array.from({ length: clients }, client)
      // Every second one dies wherever it stands; the others have answered clients, however slow the machine is.
      while (kill % 2 === 0 && answered.size < before + clients) await new Promise(resolve => setTimeout(resolve, 5))
      await new Promise(resolve => setTimeout(resolve, 30 + random(state) * 500))
      const gone = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGKILL')
      alive = false
      await Promise.all([gone, ...running])
    }

    const store = await openStore(directory)
    const exchanges = await store.exchanges({})
    const stored = new Map<string, { outcome: string; text: string }>()
    for (const exchange of exchanges) {
      const request = (await store.readBody(exchange.id, 'request'))?.bytes.toString() ?? ''
      const text = (await store.readBody(exchange.id, 'response'))?.bytes.toString() ?? ''
      stored.set(/"call":"([^"]+)"/.exec(request)?.[1] ?? '?', { outcome: exchange.outcome, text })
    }
    const lost = [...answered].filter(
      ([call, text]) => stored.get(call)?.text !== text || stored.get(call)?.outcome !== 'complete',
    )
    const unseen = upstream.requests
      .map(request => /"call":"([^"]+)"/.exec(request.body.toString())?.[1] ?? '?')
      .filter(call => !stored.has(call))
    const outcomes: Record<string, number> = {}
    for (const { outcome } of stored.values()) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    console.log(
      `seed ${seed}: ${kills} kills, ${upstream.requests.length} calls upstream, ${answered.size} answered in full, outcomes ${JSON.stringify(outcomes)}`,
    )
    const report = await store.verify()
    await store.close()
    await upstream.close()
    await rm(directory, { recursive: true, force: true })
    expect(lost).toEqual([])
    expect(unseen).toEqual([])
    expect(outcomes['in-flight']).toBeUndefined()
    expect(outcomes['proxy-killed']).toBeGreaterThan(0)
    expect(report.bad).toEqual([])
    expect(answered.size).toBeGreaterThanOrEqual(clients * Math.ceil(kills / 2))
  },
  60_000 + kills * 10_000,
)
