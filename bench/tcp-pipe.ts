// A bare pipe between two TCP sockets: the least that standing between can cost on Node. Reads nothing, knows nothing.
import net, { type AddressInfo } from 'node:net'

const port = Number(process.argv[2])
const server = net.createServer({ noDelay: true }, agent => {
  const upstream = net.connect({ port, host: '127.0.0.1', noDelay: true })
  agent.pipe(upstream).pipe(agent)
  agent.on('error', () => upstream.destroy())
  upstream.on('error', () => agent.destroy())
})
server.listen(0, '127.0.0.1', 1024, () => console.log(`listening ${(server.address() as AddressInfo).port}`))
