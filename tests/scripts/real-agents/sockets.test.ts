import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { compareMessages, openMessageReader } from '../../../scripts/real-agents/sockets.ts'
import { startWitness } from '../../../scripts/real-agents/witness.ts'

const once = (socket: WebSocket, event: string): Promise<unknown> => new Promise(resolve => socket.once(event, resolve))

describe('a witness of a WebSocket', () => {
  it.each([false, { threshold: 0 }, { threshold: 0, serverNoContextTakeover: true }])(
    'reads what passes both ways (deflate %j)',
    async perMessageDeflate => {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate })
      server.on('connection', socket => {
        socket.send('welcome') // may share a packet with the head of the answer
        socket.on('message', (data, binary) => socket.send(data, { binary }))
      })
      await new Promise(resolve => server.once('listening', resolve))
      const witness = await startWitness(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
      const client = new WebSocket(`${witness.url.replace('http', 'ws')}/v1/responses`, {
        perMessageDeflate: perMessageDeflate !== false,
      })
      const messages = ['hello', 'hello again, hello again', 'é'.repeat(400), 'x'.repeat(70_000)]
      const got: string[] = []
      const all = new Promise<void>(resolve => {
        client.on('message', data => {
          got.push(data.toString())
          if (got.length === messages.length + 3) resolve()
        })
      })
      await once(client, 'open')
      for (const message of messages) client.send(message)
      client.ping()
      client.send('in ', { fin: false })
      client.send('parts', { fin: true })
      client.send(Buffer.from([0, 255, 1]))
      await all
      const [upgrade] = witness.upgrades
      const expected = [...messages, 'in parts'].map(text => ({ binary: false, payload: Buffer.from(text) }))
      const sent = [...expected, { binary: true, payload: Buffer.from([0, 255, 1]) }]
      expect(upgrade?.status()).toBe(101)
      expect(upgrade?.sent).toEqual(sent)
      expect(upgrade?.received).toEqual([{ binary: false, payload: Buffer.from('welcome') }, ...sent])
      client.terminate()
      witness.close()
      server.close()
    },
  )
  it('reads messages that arrive byte by byte', () => {
    const frames = Buffer.from([0x81, 2, 104, 105, 0x89, 0, 0x02, 1, 7, 0x80, 1, 8])
    const reader = openMessageReader()
    const read = [...frames].flatMap(byte => reader.push(Buffer.from([byte])))
    expect(read).toEqual([
      { binary: false, payload: Buffer.from('hi') },
      { binary: true, payload: Buffer.from([7, 8]) },
    ])
  })
})

describe('messages held against the record', () => {
  const message = (text: string) => ({ binary: false, payload: Buffer.from(text) })
  it('may come in another order, but not once more or less', () => {
    expect(compareMessages('it', [message('a'), message('b')], [message('b'), message('a')])).toEqual([])
    expect(compareMessages('it', [message('a'), message('a')], [message('a')])).toEqual(['it is not in the record: text a'])
    expect(compareMessages('it', [message('a')], [message('a'), message('b')])).toEqual(['it is in the record only: text b'])
    expect(compareMessages('it', [message('a')], [{ ...message('a'), binary: true }])).toHaveLength(2)
  })
})
