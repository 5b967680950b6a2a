// A bare httpxy in front of one upstream: no record, no routing; the yardstick for what forwarding alone costs on Node.
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

const [module = 'httpxy', target = ''] = process.argv.slice(2)
const { createProxyServer } = (await import(module)) as typeof import('httpxy')
const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 1024, noDelay: true })
const proxy = createProxyServer({ target, agent })
const server = http.createServer({ noDelay: true, requestTimeout: 0, keepAliveTimeout: 600_000 }, (request, response) => {
  proxy.web(request, response).catch((error: Error) => {
    if (response.headersSent) response.destroy()
    else response.writeHead(502).end(error.message)
  })
})
server.on('upgrade', (request, socket, head) => {
  proxy.ws(request, socket as Socket, {}, head).catch(() => socket.destroy())
})
server.listen(0, '127.0.0.1', () => console.log(`listening ${(server.address() as AddressInfo).port}`))
