// kill -9 of a real proxy process under agents on WebSockets, at random moments. A terminal event that reached an agent is in the store, with
// everything before it, byte for byte; what was in flight is found with what had arrived; the store opens and verifies.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { readMessages } from '../../protocols/_framing-websocket.ts'
import { openStore } from '../../store/open.ts'
import { answerMessages, create, startSocketUpstream } from '../sockets.ts'

const kills = Number(process.env['TURNPIKE_KILLS'] ?? 4)
const clients = 12

function startProxyProcess(directory: string, upstream: string): Promise<{ child: ChildProcess; port: number }> {
  const argv = ['cli/turnpike.mjs', 'proxy', '--store', directory, '--port', '0', '--upstream', upstream, '--json']
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the proxy ended with ${code} before it listened`)))
    createInterface({ input: child.stdout! }).on('line', line => {
      const { event: type, url } = JSON.parse(line) as { event: string; url: string }
      if (type === 'listening') resolve({ child, port: Number(new URL(url).port) })
    })
  })
}

/** Asks again and again until the socket breaks; calls back with what was answered in full, and with what had come of the last answer. */
function askUntilBroken(
  port: number,
  nextCall: () => string,
  answered: Map<string, string>,
  partial: Map<string, string[]>,
): Promise<void> {
  return new Promise(resolve => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/s/kill/v1/responses`, { perMessageDeflate: false })
    let call = ''
    let parts: string[] = []
    const askNext = (): void => {
      call = nextCall()
      parts = []
      socket.send(create({ call, pad: 'history '.repeat(200) }))
    }
    socket.on('open', askNext)
    socket.on('message', (data: Buffer) => {
      const text = data.toString()
      parts.push(text)
      if (!text.includes('"type":"response.completed"')) return
      answered.set(call, parts.join('\n'))
      askNext()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (parts.length > 0 && !answered.has(call)) partial.set(call, parts)
      resolve()
    })
  })
}

it(
  `${kills} kills lose no answered message`,
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'turnpike-kill-'))
    const upstream = await startSocketUpstream({
      onMessage: async ({ send }, data) => {
        const call = /"call":"([^"]+)"/.exec(data.toString())?.[1] ?? '?'
        for (const [index, message] of answerMessages(`resp_${call}`, `said ${call}`).entries()) {
          send(message)
          await new Promise(resolve => setTimeout(resolve, 1 + (index % 3) * 3))
        }
      },
    })
    const answered = new Map<string, string>()
    const partial = new Map<string, string[]>()
    let number = 0
    for (let kill = 0; kill < kills; kill++) {
      const { child, port } = await startProxyProcess(directory, upstream.url)
      const nextCall = () => `${kill}-${number++}`
      const running = Array.from({ length: clients }, () => askUntilBroken(port, nextCall, answered, partial))
      const before = answered.size
      while (answered.size < before + 20) await new Promise(resolve => setTimeout(resolve, 5))
      await new Promise(resolve => setTimeout(resolve, Math.random() * 200))
      child.kill('SIGKILL')
      await Promise.all([new Promise(resolve => child.once('exit', resolve)), ...running])
    }

    const store = await openStore(directory)
    const stored = new Map<string, { outcome: string; text: string }>()
    for (const exchange of (await store.exchanges({})).filter(({ method }) => method === 'WS')) {
      const request = (await store.readBody(exchange.id, 'request'))?.bytes.toString() ?? ''
      const body = (await store.readBody(exchange.id, 'response'))?.bytes ?? Buffer.alloc(0)
      const text = readMessages(body)
        .map(({ payload }) => payload.toString())
        .join('\n')
      stored.set(/"call":"([^"]+)"/.exec(request)?.[1] ?? '?', { outcome: exchange.outcome, text })
    }
    const lost = [...answered].filter(
      ([call, text]) => stored.get(call)?.text !== text || stored.get(call)?.outcome !== 'complete',
    )
    const seen = upstream.messages.map(({ data }) => /"call":"([^"]+)"/.exec(data.toString())?.[1] ?? '?')
    const outcomes = new Set([...stored.values()].map(({ outcome }) => outcome))
    const report = await store.verify()
    await store.close()
    await upstream.close()
    await rm(directory, { recursive: true, force: true })
    expect(lost).toEqual([])
    expect(seen.filter(call => !stored.has(call))).toEqual([])
    expect(outcomes.has('in-flight')).toBe(false)
    expect(outcomes.has('proxy-killed')).toBe(true)
    expect(report.bad).toEqual([])
    expect([...partial.keys()].every(call => stored.has(call))).toBe(true)
    expect(answered.size).toBeGreaterThanOrEqual(kills * 20)
  },
  60_000 + kills * 10_000,
)
