// The way to the upstream: TLS against the authorities that are trusted, through a proxy that the environment names.
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import type { UpstreamAccess } from '../../../proxy/forward-connections.ts'
import { makeAuthority, makeLeaf } from '../../certificates.ts'
import { openRig, type Rig } from '../../rig.ts'
import { answerMessages, create, openAgent, startSocketUpstream } from '../../sockets.ts'
import { startConnectProxy } from '../_connect-proxy.ts'

const closers: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function startSecure(): Promise<string> {
  const server = https.createServer(makeLeaf('127.0.0.1'))
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', socket => socket.on('message', () => answerMessages('resp_1').forEach(text => void socket.send(text))))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function open(url: string, access: UpstreamAccess): Promise<Rig> {
  const rig = await openRig(url, { access })
  closers.push(rig.close)
  return rig
}

async function talk(rig: Rig): Promise<string[]> {
  const agent = await openAgent(`${rig.proxy.url}/s/x/v1/responses`)
  agent.socket.send(create())
  return agent.messages(4)
}

const authorities = [makeAuthority().cert]

describe('a secure upstream', () => {
  it('is spoken to when its authority is trusted', async () => {
    expect(await talk(await open(await startSecure(), { authorities }))).toEqual(answerMessages('resp_1'))
  })

  it('is refused when nobody knows its authority, and the agent is told so', async () => {
    const rig = await open(await startSecure(), {})
    await expect(talk(rig)).rejects.toMatchObject({
      status: 502,
      body: expect.stringContaining('its authority is not known here'),
    })
    expect(await rig.exchanges()).toMatchObject([{ outcome: 'upstream-refused', failure: { code: 'E_UPSTREAM_UNTRUSTED' } }])
  })

  it('behind a proxy is reached through a tunnel', async () => {
    const proxy = await startConnectProxy()
    closers.push(proxy.close)
    const url = await startSecure()
    expect(await talk(await open(url, { authorities, proxyFor: () => proxy.url() }))).toEqual(answerMessages('resp_1'))
    expect(proxy.tunnels).toEqual([new URL(url).host])
  })
})

it('a plain upstream behind a proxy is reached through a tunnel too, and its break is a break', async () => {
  const proxy = await startConnectProxy()
  const upstream = await startSocketUpstream({ refuse: socket => socket.destroy() })
  closers.push(proxy.close, upstream.close)
  const rig = await open(upstream.url, { proxyFor: () => proxy.url() })
  await expect(talk(rig)).rejects.toThrow(/hang up|ECONNRESET/)
  expect(proxy.tunnels).toHaveLength(1)
  expect(await rig.exchanges()).toMatchObject([{ outcome: 'upstream-cut', status: null }])
})
