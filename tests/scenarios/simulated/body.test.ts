import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { deflateSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readJsonBody } from '../../../scenarios/simulated/body.ts'

let taken: (request: IncomingMessage) => void = () => {}
const server = createServer((request, response) => {
  void taken(request)
  request.on('close', () => response.end())
})
beforeEach(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
afterEach(() => new Promise<unknown>(resolve => server.close(resolve)))

/** Sends raw bytes and reads the body that came of them. */
function read(head: string[], body: Buffer, hangUp = false): Promise<unknown> {
  return new Promise((resolve, reject) => {
    taken = request => readJsonBody(request).then(resolve, reject)
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => {
      socket.write(['POST / HTTP/1.1', 'host: x', 'connection: close', ...head, '', ''].join('\r\n'))
      socket.write(body, () => {
        if (hangUp) setTimeout(() => socket.destroy(), 20)
      })
    })
    socket.on('error', () => {})
  })
}

it('reads JSON, also deflated and in chunks', async () => {
  const json = Buffer.from('{"a":"ü"}')
  expect(await read([`content-length: ${json.length}`], json)).toEqual({ a: 'ü' })
  const small = deflateSync(json)
  expect(await read([`content-length: ${small.length}`, 'content-encoding: deflate'], small)).toEqual({ a: 'ü' })
  const chunks = Buffer.concat([
    Buffer.from('5\r\n'),
    json.subarray(0, 5),
    Buffer.from('\r\n5\r\n'),
    json.subarray(5),
    Buffer.from('\r\n0\r\n\r\n'),
  ])
  expect(await read(['transfer-encoding: chunked'], chunks)).toEqual({ a: 'ü' })
})

it('says what is wrong with a body', async () => {
  await expect(read(['content-length: 2'], Buffer.from('ab'))).rejects.toMatchObject({ code: 'E_BAD_REQUEST' })
  await expect(read(['content-length: 2'], Buffer.from('42'))).rejects.toMatchObject({ code: 'E_BAD_REQUEST' })
  await expect(read(['content-length: 0'], Buffer.alloc(0))).rejects.toMatchObject({ code: 'E_BAD_REQUEST' })
})

it('says when the client went away in the middle of it', async () => {
  await expect(read(['content-length: 100'], Buffer.from('{"a":'), true)).rejects.toMatchObject({ code: 'E_CLIENT_ABORTED' })
})
