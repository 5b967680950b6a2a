import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createReceiver, type Receiver } from '../../proxy/receive.ts'
import { ask, askRaw, eventually } from '../client.ts'

let server: http.Server

afterEach(() => void server.closeAllConnections())

async function listen(receiver: Receiver, onBody: (body: Uint8Array) => Promise<void> | void): Promise<string> {
  server = http.createServer((request, response) => {
    receiver.receive(request).then(
      async body => {
        await onBody(body)
        receiver.release(body.length)
        response.end(String(body.length))
      },
      (error: { code: string }) => response.writeHead(400).end(error.code),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

describe('receiving a body', () => {
  it('gives it whole, counted or chunked or absent, and gives its memory back', async () => {
    const receiver = createReceiver({ bodyBytesMax: 1e6, totalBytesMax: 1e6 })
    const url = await listen(receiver, () => undefined)
    expect((await ask(url, { body: 'x'.repeat(300_000) })).body.toString()).toBe('300000')
    expect((await ask(url, { body: 'abc', headers: ['transfer-encoding', 'chunked'] })).body.toString()).toBe('3')
    expect((await ask(url)).body.toString()).toBe('0')
    expect(receiver.heldBytes()).toBe(0)
  })
  it('refuses what is too large by declaration and by count, and gives its memory back', async () => {
    const receiver = createReceiver({ bodyBytesMax: 1000, totalBytesMax: 1e6 })
    const url = await listen(receiver, () => undefined)
    expect((await ask(url, { body: 'x'.repeat(1001) })).body.toString()).toBe('E_BODY_TOO_LARGE')
    expect((await ask(url, { body: 'x'.repeat(1001), headers: ['transfer-encoding', 'chunked'] })).body.toString()).toBe(
      'E_BODY_TOO_LARGE',
    )
    expect(receiver.heldBytes()).toBe(0)
  })
  it('notices an agent that leaves in the middle', async () => {
    const receiver = createReceiver({ bodyBytesMax: 1e6, totalBytesMax: 1e6 })
    const url = await listen(receiver, () => undefined)
    await askRaw(url, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf', () => false, 100)
    await eventually(() => expect(receiver.heldBytes()).toBe(0))
  })
  it('stops reading sockets when all bodies together are too much, and lets every one through in the end', async () => {
    const receiver = createReceiver({ bodyBytesMax: 1e6, totalBytesMax: 500_000 })
    let most = 0
    const url = await listen(receiver, async () => {
      most = Math.max(most, receiver.heldBytes())
      await new Promise(resolve => setTimeout(resolve, 20))
    })
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(url, { body: Buffer.alloc(200_000) })))
    expect(answers.map(answer => answer.body.toString())).toEqual(Array(12).fill('200000'))
    expect(most).toBeLessThan(1_500_000) // 2.4 MB were sent at once
    expect(receiver.heldBytes()).toBe(0)
  })
})
