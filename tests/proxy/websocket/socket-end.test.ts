// One end of a WebSocket: what is sent in one turn of the event loop leaves in one write, in order; what is sent before the end is not lost.
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { socketFlushMs } from '../../../core/limits.ts'
import type { SocketEnd, SocketEvents } from '../../../proxy/websocket/link.ts'
import { wrapSocket } from '../../../proxy/websocket/socket-end.ts'

const ignore = (): void => undefined
const events: SocketEvents = {
  onMessage: ignore,
  onPing: ignore,
  onPong: ignore,
  onSent: ignore,
  onClose: ignore,
  onLost: ignore,
}

let server: http.Server
let peer: WebSocket
let raw: Socket
let end: SocketEnd
const received: string[] = []

beforeEach(async () => {
  received.length = 0
  server = http.createServer()
  const sockets = new WebSocketServer({ server })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(sockets, 'connection')
  peer = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  peer.on('message', data => received.push(String(data)))
  const [socket, request] = (await accepted) as [WebSocket, http.IncomingMessage]
  if (peer.readyState !== WebSocket.OPEN) await once(peer, 'open')
  raw = request.socket
  end = wrapSocket(socket, raw, events)
})

afterEach(() => {
  peer.terminate()
  server.closeAllConnections()
  server.close()
})

const message = (text: string) => ({ payload: Buffer.from(text), binary: false })
const texts = Array.from({ length: 40 }, (_, at) => `message ${at}`)

it('messages of one turn are gathered, then leave together and in order', async () => {
  for (const text of texts) end.send(message(text))
  expect(raw.writableCorked).toBe(1)
  await new Promise(resolve => setImmediate(resolve))
  expect(raw.writableCorked).toBe(0)
  while (received.length < texts.length) await once(peer, 'message')
  expect(received).toEqual(texts)
})

it('nothing gathered is lost when the socket is closed or broken off in the same turn', async () => {
  for (const text of texts) end.send(message(text))
  end.close(1000, Buffer.from('done'))
  expect(await once(peer, 'close')).toMatchObject([1000, Buffer.from('done')])
  expect(received).toEqual(texts)
})

it('and a break comes behind what was sent before it', async () => {
  for (const text of texts) end.send(message(text))
  end.terminate()
  expect((await once(peer, 'close'))[0]).toBe(1006)
  expect(received).toEqual(texts)
})

it('a break waits for a peer that reads slowly, as long as it reads', async () => {
  const large = Array.from({ length: 24 }, (_, at) => `${at} ${'x'.repeat(1_000_000)}`)
  const slow = peer
  slow.on('message', () => {
    slow.pause()
    setTimeout(() => slow.resume(), 150)
  })
  for (const text of large) end.send(message(text))
  end.terminate()
  await once(peer, 'close')
  expect(received.map(text => text.length)).toEqual(large.map(text => text.length))
})

it('and not for one that reads nothing', async () => {
  peer.pause()
  for (let at = 0; at < 24; at++) end.send(message('x'.repeat(1_000_000)))
  end.terminate()
  await once(raw, 'close')
  expect(received).toEqual([])
  expect(raw.writableFinished).toBe(false)
})

it('and for one that reads for ever no longer than a draining proxy can wait', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  raw.setTimeout = () => raw // as if bytes left all the time
  peer.pause()
  for (let at = 0; at < 24; at++) end.send(message('x'.repeat(1_000_000)))
  end.terminate()
  vi.advanceTimersByTime(socketFlushMs - 1)
  expect(raw.destroyed).toBe(false)
  vi.advanceTimersByTime(1)
  expect(raw.destroyed).toBe(true)
})
