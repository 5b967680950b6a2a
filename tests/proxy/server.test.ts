import { afterEach, describe, expect, it } from 'vitest'
import { ask, askRaw, eventually } from '../client.ts'
import { openRig, type Rig } from '../rig.ts'
import { chunk, lastChunk, reply, startUpstream, streamHead, type Upstream, type UpstreamConnection } from '../upstream.ts'

let upstream: Upstream
let rig: Rig

async function open(answer: (connection: UpstreamConnection) => void): Promise<void> {
  upstream = await startUpstream((_, connection) => answer(connection))
  rig = await openRig(upstream.url)
}

afterEach(async () => {
  await rig?.close()
  await upstream?.close()
})

describe('control routes', () => {
  it('tell health, metrics and sessions', async () => {
    await open(connection => connection.write(reply('200 OK', [], 'ok')))
    await ask(`${rig.proxy.url}/s/seen/v1/messages`, { body: '{}' })
    await rig.exchanges()
    const read = async (path: string) => (await ask(`${rig.proxy.url}/_turnpike/${path}`)).body.toString()
    expect(JSON.parse(await read('health'))).toMatchObject({ status: 'ok', version: 'test', in_flight: 0 })
    expect(await read('metrics')).toContain(
      'turnpike_exchanges_total{protocol="anthropic-messages",outcome="complete",status="200"} 1',
    )
    expect(JSON.parse(await read('sessions'))).toMatchObject([{ name: 'seen', source: 'path' }])
    expect(await rig.exchanges()).toHaveLength(1)
  })
})

describe('draining', () => {
  it('lets a running stream end, refuses new calls, and then is gone', async () => {
    let finish = (): void => undefined
    await open(connection => {
      connection.write(streamHead)
      connection.write(chunk('data: 1\n\n'))
      finish = () => connection.write(Buffer.concat([chunk('data: 2\n\n'), Buffer.from(lastChunk)]))
    })
    let started = false
    const running = ask(`${rig.proxy.url}/s/d/v1/messages`, {
      body: '{}',
      onData: () => {
        started = true
      },
    })
    await eventually(() => expect(started).toBe(true))
    const drained = rig.proxy.drain(5000)
    await new Promise(resolve => setTimeout(resolve, 50))
    await expect(ask(`${rig.proxy.url}/s/d/v1/messages`, { body: '{}' })).rejects.toThrow(/ECONNREFUSED/)
    finish()
    expect((await running).body.toString()).toBe('data: 1\n\ndata: 2\n\n')
    await drained
    expect((await rig.exchanges()).map(exchange => exchange.outcome)).toEqual(['complete'])
  })

  it('cuts what does not end in time, and records it as cut', async () => {
    await open(connection => {
      connection.write(streamHead)
      connection.write(chunk('data: 1\n\n'))
    })
    let started = false
    const running = ask(`${rig.proxy.url}/s/d/v1/messages`, {
      body: '{}',
      onData: () => {
        started = true
      },
    })
    await eventually(() => expect(started).toBe(true))
    await rig.proxy.drain(100)
    expect((await running).broken).toBe(true)
    expect((await rig.exchanges())[0]?.outcome).toBe('client-aborted')
  })
})

describe('listening', () => {
  it('on a taken port is a clear error', async () => {
    await open(() => undefined)
    await expect(openRig(upstream.url, { port: rig.proxy.port, store: rig.store })).rejects.toMatchObject({
      code: 'E_PORT_IN_USE',
    })
  })
  it('answers a request head that is too long', async () => {
    await open(() => undefined)
    const text = await askRaw(rig.proxy.url, `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'y'.repeat(300_000)}\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 4\d\d /)
  })
})
