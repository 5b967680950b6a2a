// The provider of the WebSocket benchmark, in a process of its own: holds each question against its number and answers it with 40 events;
// one that was altered on the way gets an error event instead, which fails the target.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { readNumber, writeAnswer, writeQuestion } from './websocket-content.ts'

const server = http.createServer()
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', socket => {
  socket.on('error', () => undefined)
  socket.on('message', (data: Buffer, binary) => {
    const question = data.toString()
    const number = readNumber(question)
    if (number === null || binary || writeQuestion(number) !== question)
      return socket.send('{"type":"error","error":{"message":"the question was altered on the way"}}')
    for (const event of writeAnswer(number)) socket.send(event)
  })
})
server.listen(0, '127.0.0.1', 1024, () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit(0))
