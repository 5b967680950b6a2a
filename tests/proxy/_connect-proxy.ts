// A small forward proxy: CONNECT tunnels and absolute-form requests, with a password when asked for. Counts what passes.
import http from 'node:http'
import net from 'node:net'

export interface ConnectProxy {
  readonly url: (user?: string) => URL
  readonly tunnels: string[]
  readonly requests: Array<{ readonly url: string; readonly headers: http.IncomingHttpHeaders }>
  readonly close: () => void
}

export async function startConnectProxy(password: string | null = null): Promise<ConnectProxy> {
  const tunnels: string[] = []
  const requests: Array<{ url: string; headers: http.IncomingHttpHeaders }> = []
  const sockets = new Set<net.Socket>()
  const wanted = password === null ? undefined : `Basic ${Buffer.from(password).toString('base64')}`
  const isAllowed = (headers: http.IncomingHttpHeaders): boolean =>
    wanted === undefined || headers['proxy-authorization'] === wanted
  const server = http.createServer((request, response) => {
    requests.push({ url: request.url ?? '', headers: request.headers })
    if (!isAllowed(request.headers)) return void response.writeHead(407).end('who are you')
    const { 'proxy-authorization': _, ...headers } = request.headers
    const onward = http.request(request.url ?? '', { method: request.method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  server.on('connection', socket => sockets.add(socket))
  server.on('connect', (request, socket: net.Socket, head) => {
    if (!isAllowed(request.headers))
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n')
    tunnels.push(request.url ?? '')
    const [host = '', port = ''] = (request.url ?? '').split(':')
    const onward = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.write(head)
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
    socket.on('close', () => onward.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  return {
    url: (user = '') => new URL(`http://${user === '' ? '' : `${user}@`}127.0.0.1:${port}`),
    tunnels,
    requests,
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
