// The only way out of a container: a small container beside it whose network it shares, and which hands connections through two Unix sockets
// to this process. No route, no name server, no service of this machine can be reached past it; what passes is decided here, at any time.

import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as httpRequest, type Server } from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Docker from 'dockerode'
import type { NetworkPolicy } from '../../core/task.ts'
import { askDocker, labels } from './_docker-client.ts'
import { startOrRemove } from './_docker-container.ts'
import { isPodman } from './_docker-engine.ts'
import { buildGateImage, tunnelPort } from './_docker-gate-image.ts'
import { isAllowed } from './_network-hosts.ts'

export interface Gate {
  /** Network mode of the container that is to stand behind it. */
  readonly networkMode: string
  /** Set for programs inside, so that they find the way to the hosts that are allowed. */
  readonly env: () => Readonly<Record<string, string>>
  readonly setPolicy: (policy: NetworkPolicy) => Promise<void>
  readonly close: () => Promise<void>
}

interface GateOptions {
  readonly docker: Docker
  readonly proxyUrl: string
  readonly policy: NetworkPolicy
  readonly labels: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

export async function openGate(options: GateOptions): Promise<Gate> {
  const state = { policy: options.policy }
  // Not readable by others, but its sockets are, by whoever knows the name: the gate may run under another user id.
  const directory = await mkdtemp(join(tmpdir(), `turnpike-${options.labels[labels.trial]}-gate-`))
  await chmod(directory, 0o711)
  const servers = [openProxySide(options.proxyUrl, state), openTunnelSide(state)]
  let container: Docker.Container | null = null
  const close = async (): Promise<void> => {
    for (const server of servers) server.close()
    await container?.remove({ force: true, v: true }).catch(() => undefined)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await listen(servers[0], join(directory, 'proxy.sock'))
    await listen(servers[1], join(directory, 'tunnel.sock'))
    const image = await buildGateImage(options.signal)
    const made = await startGate(options, image, directory)
    container = made
    return {
      networkMode: `container:${made.id}`,
      env: () => (state.policy.mode === 'allow-list' ? proxyVariables : {}),
      setPolicy: async policy => {
        await switchBridge(options.docker, made, state.policy, policy)
        state.policy = policy
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const tunnelUrl = `http://127.0.0.1:${tunnelPort}`
const proxyVariables = {
  HTTP_PROXY: tunnelUrl,
  HTTPS_PROXY: tunnelUrl,
  http_proxy: tunnelUrl,
  https_proxy: tunnelUrl,
  NO_PROXY: '127.0.0.1,localhost',
  no_proxy: '127.0.0.1,localhost',
}

function startGate(options: GateOptions, image: string, directory: string): Promise<Docker.Container> {
  return askDocker('the gate to the proxy cannot be started', async () => {
    const start = (networkMode: 'bridge' | 'none') => startRelay(options, { image, directory, networkMode })
    if (options.policy.mode === 'public') return start('bridge')
    if (!(await isPodman(options.docker))) return start('none')
    // Podman never joins to a bridge what began without one. Where it can make none, no task can be given one later.
    const gate = await start('bridge').catch(() => null)
    if (gate === null) return start('none')
    try {
      await leaveBridge(options.docker, gate)
    } catch (error) {
      await gate.remove({ force: true }).catch(() => undefined)
      throw error
    }
    return gate
  })
}

interface Relay {
  readonly image: string
  readonly directory: string
  readonly networkMode: 'bridge' | 'none'
}

async function startRelay(options: GateOptions, { image, directory, networkMode }: Relay): Promise<Docker.Container> {
  const container = await options.docker.createContainer({
    Image: image,
    Labels: { ...options.labels, [labels.made]: 'gate' },
    HostConfig: {
      NetworkMode: networkMode,
      Binds: [`${directory}:/gate:ro`],
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: 64,
      Memory: 128 * 1024 * 1024,
      LogConfig: { Type: 'none', Config: {} },
    },
  })
  return startOrRemove(container)
}

const leaveBridge = (docker: Docker, gate: Docker.Container): Promise<unknown> =>
  docker.getNetwork('bridge').disconnect({ Container: gate.id, Force: true })

/** A bridge is the way to everything; all other policies have none and differ only in what this process lets pass. */
async function switchBridge(docker: Docker, gate: Docker.Container, from: NetworkPolicy, to: NetworkPolicy): Promise<void> {
  if ((from.mode === 'public') === (to.mode === 'public')) return
  await askDocker('the network cannot be changed', async () => {
    const hasNone = !(await isPodman(docker))
    if (to.mode === 'public') {
      if (hasNone) await docker.getNetwork('none').disconnect({ Container: gate.id, Force: true })
      await docker.getNetwork('bridge').connect({ Container: gate.id })
    } else {
      await leaveBridge(docker, gate)
      if (hasNone) await docker.getNetwork('none').connect({ Container: gate.id })
    }
  })
}

function openProxySide(proxyUrl: string, state: { readonly policy: NetworkPolicy }): net.Server {
  const { hostname, port } = new URL(proxyUrl)
  return net.createServer({ allowHalfOpen: true }, socket => {
    if (state.policy.mode === 'none') return void socket.destroy()
    relay(socket, net.connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), allowHalfOpen: true }))
  })
}

/** An HTTP proxy for hosts on the list: CONNECT for TLS, absolute addresses for the rest. */
function openTunnelSide(state: { readonly policy: NetworkPolicy }): Server {
  const refusal = (host: string) => `turnpike: the network policy of this task does not allow ${host}\n`
  const server = createServer((request, response) => {
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : null
    if (url === null || !isAllowed(url.hostname, state.policy)) {
      response.writeHead(403).end(refusal(url?.hostname ?? 'this address'))
      return
    }
    const { 'proxy-connection': _, 'proxy-authorization': __, ...headers } = request.headers
    const upstream = httpRequest(url, { method: request.method ?? 'GET', headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    upstream.on('error', error => response.writeHead(502).end(`turnpike: ${error.message}\n`))
    request.pipe(upstream)
  })
  server.on('connect', (request, socket: net.Socket, head) => {
    const target = /^\[?([^\]]+)\]?:(\d+)$/.exec(request.url ?? '')
    const host = target?.[1] ?? ''
    if (target === null || !isAllowed(host, state.policy)) {
      socket.end(`HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n${refusal(host)}`)
      return
    }
    const upstream = net.connect({ host, port: Number(target[2]), allowHalfOpen: true }, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      if (head.length > 0) upstream.write(head)
    })
    relay(socket, upstream)
  })
  return server
}

function relay(one: net.Socket, other: net.Socket): void {
  const end = (): void => {
    one.destroy()
    other.destroy()
  }
  one.on('error', end)
  other.on('error', end)
  one.pipe(other)
  other.pipe(one)
}

async function listen(server: net.Server | undefined, path: string): Promise<void> {
  if (server === undefined) return
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  await chmod(path, 0o666)
  // A trial that hangs must not keep the command alive.
  server.unref()
}
