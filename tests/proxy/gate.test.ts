import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { parseRoutes } from '../../proxy/routes.ts'
import type { ProxyOptions } from '../../proxy/server.ts'
import { ask, header } from '../client.ts'
import { openRig, type Rig, startTrial } from '../rig.ts'
import { reply, startUpstream, type Upstream } from '../upstream.ts'

let upstream: Upstream
let rig: Rig

const realKey = 'sk-ant-the-real-key-of-the-proxy'
const body = '{"model":"claude-x","messages":[]}'

function routesTo(url: string, env: Record<string, string> = { REAL_KEY: realKey }) {
  const text = `version: 1
providers:
  real:
    key_env: REAL_KEY
    endpoints:
      anthropic-messages: { base_url: ${url}, auth: x-api-key }
      openai-chat: { base_url: ${url} }
routes:
  - { model: "claude-*", provider: real }
  - { model: "local/*", provider: real, upstream_model: "*" }
`
  return parseRoutes(text, 'models.yaml', env)
}

async function open(
  answer: string | ((body: Buffer) => Buffer) = '{"type":"message"}',
  options: (url: string) => Partial<ProxyOptions> = url => ({ routes: routesTo(url) }),
) {
  upstream = await startUpstream((request, connection) =>
    connection.write(
      typeof answer === 'string' ? reply('200 OK', ['content-type: application/json'], answer) : answer(request.body),
    ),
  )
  rig = await openRig(upstream.url, options(upstream.url))
}

afterEach(async () => {
  await rig?.close()
  await upstream?.close()
})

describe('a trial’s call', () => {
  it.each(['path', 'key'])(
    'by token in the %s carries its turn and attempt, and the proxy’s key instead of the token',
    async where => {
      await open()
      const { token } = await startTrial(rig.store)
      const prefix = where === 'path' ? `/t/${token}` : ''
      const answered = await ask(`${rig.proxy.url}${prefix}/v1/messages`, {
        body,
        headers: ['x-api-key', token, 'authorization', `Bearer ${token}`],
      })
      expect(answered.status).toBe(200)
      const head = upstream.requests[0]?.head ?? ''
      expect(head).toContain(`x-api-key: ${realKey}`)
      expect(head).not.toContain(token)
      expect((await rig.exchanges())[0]).toMatchObject({
        scope: { kind: 'trial', id: 'trial1' },
        turn: 2,
        attempt: 1,
        route: 'real',
        path: '/v1/messages',
      })
    },
  )
  it('is refused with the variable’s name when the proxy has no key, and the refusal is on record', async () => {
    await open('{}', url => ({ routes: routesTo(url, {}) }))
    const { token } = await startTrial(rig.store)
    const answered = await ask(`${rig.proxy.url}/t/${token}/v1/messages`, { body })
    expect([answered.status, header(answered, 'x-turnpike-error')]).toEqual([401, 'E_KEY_MISSING'])
    expect(answered.body.toString()).toContain('REAL_KEY')
    expect((await rig.exchanges())[0]).toMatchObject({ outcome: 'refused', failure: { code: 'E_KEY_MISSING' }, status: 401 })
  })
  it('is refused after the trial has ended', async () => {
    await open()
    const { token } = await startTrial(rig.store)
    await rig.store.revokeTokens('trial1')
    expect((await ask(`${rig.proxy.url}/t/${token}/v1/messages`, { body })).status).toBe(401)
    expect(upstream.requests).toHaveLength(0)
  })
})

describe('a stand-alone call', () => {
  it('passes its own key and is found under its session’s name', async () => {
    await open()
    await ask(`${rig.proxy.url}/s/mine/v1/messages`, { body, headers: ['x-api-key', 'sk-users-own-key'] })
    expect(upstream.requests[0]?.head).toContain('x-api-key: sk-users-own-key')
    const [session] = await rig.store.list('sessions')
    expect(session).toMatchObject({ name: 'mine', source: 'path' })
    expect((await rig.exchanges())[0]?.scope).toEqual({ kind: 'session', id: session?.id })
  })
  it('for an unknown model is a clear 404 in the dialect, on record and not forwarded', async () => {
    await open()
    const answered = await ask(`${rig.proxy.url}/s/mine/v1/chat/completions`, { body: '{"model":"gpt-mystery"}' })
    expect([answered.status, header(answered, 'x-turnpike-error')]).toEqual([404, 'E_MODEL_UNKNOWN'])
    expect(JSON.parse(answered.body.toString()).error.message).toContain('gpt-mystery')
    expect(upstream.requests).toHaveLength(0)
    expect((await rig.exchanges())[0]).toMatchObject({ outcome: 'refused', status: 404 })
  })
  it('on a route that renames the model changes nothing else, and the record keeps what the agent sent', async () => {
    await open()
    const sent = '{"messages":[], "model": "local/qwen3" ,"x":1}'
    await ask(`${rig.proxy.url}/s/mine/v1/chat/completions`, { body: sent })
    expect(upstream.requests[0]?.body.toString()).toBe('{"messages":[], "model": "qwen3" ,"x":1}')
    expect((await rig.body((await rig.exchanges())[0], 'request')).toString()).toBe(sent)
  })
  it('is routed by the model inside a compressed body', async () => {
    await open()
    const send = (model: string) =>
      ask(`${rig.proxy.url}/s/z/v1/messages`, { body: gzipSync(`{"model":"${model}"}`), headers: ['content-encoding', 'gzip'] })
    expect((await send('claude-x')).status).toBe(200)
    expect((await send('gpt-mystery')).status).toBe(404)
    expect((await send('local/qwen3')).status).toBe(400) // a compressed body cannot be given another name
  })
  it('many at once, in many sessions, end where they belong', async () => {
    await open(request => reply('200 OK', [], request))
    const calls = Array.from({ length: 60 }, (_, index) => ({
      session: `s${index % 7}`,
      text: `{"model":"claude-1","n":${index}}`,
    }))
    await Promise.all(calls.map(call => ask(`${rig.proxy.url}/s/${call.session}/v1/messages`, { body: call.text })))
    const names = new Map((await rig.store.list('sessions')).map(session => [session.id, session.name]))
    const found = await Promise.all(
      (await rig.exchanges()).map(async exchange => `${names.get(exchange.scope.id)} ${await rig.body(exchange, 'response')}`),
    )
    expect(found.sort()).toEqual(calls.map(call => `${call.session} ${call.text}`).sort())
  })
})

describe('no secret on disk', () => {
  it('wherever it occurs: headers, path, query, bodies both ways, plain or compressed', async () => {
    const own = 'sk-users-own-key-0123456789'
    const echo = `{"leak":"${own}","other":"${realKey}"}`
    await open(() =>
      reply('200 OK', ['content-type: application/json', `x-echo: ${own}`, 'set-cookie: session=abcdefghijkl'], echo),
    )
    const leaky = `{"model":"claude-x","messages":[{"role":"user","content":"my key is ${own}"}]}`
    const answered = await ask(`${rig.proxy.url}/s/leak/v1/messages/${own}?key=${own}&x=1`, {
      body: leaky,
      headers: ['x-api-key', own, 'x-copy', own],
    })
    expect(answered.body.toString()).toBe(echo)
    const zipped = await ask(`${rig.proxy.url}/s/leak/v1/messages`, {
      body: gzipSync(leaky),
      headers: ['content-encoding', 'gzip', 'authorization', `Bearer ${own}`],
    })
    expect(zipped.status).toBe(200)
    const exchanges = await rig.exchanges()
    expect(JSON.stringify(exchanges)).not.toMatch(/sk-users-own|the-real-key|abcdefghijkl/)
    for (const exchange of exchanges)
      for (const side of ['request', 'response'] as const)
        expect((await rig.body(exchange, side)).toString()).not.toMatch(/sk-users-own|the-real-key/)
    const stored = await rig.store.readBody(exchanges[0]?.id ?? '', 'request')
    expect(stored?.bytes.toString()).toBe(leaky.replaceAll(own, '*'.repeat(own.length)))
    expect(stored?.masked).toEqual([[leaky.indexOf(own), own.length]])
    expect((await rig.store.verify()).bad).toEqual([])
    for (const entry of readdirSync(rig.directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const name = join(entry.parentPath, entry.name)
      const bytes = readFileSync(name)
      for (const secret of [own, realKey]) expect(bytes.includes(secret), `${secret} in ${name}`).toBe(false)
    }
  })
})

describe('a store that cannot be written', () => {
  it('lets calls pass only when that was asked for, and says so', async () => {
    await open('{"ok":1}', url => ({ routes: routesTo(url), onRecordFailure: 'pass' }))
    await ask(`${rig.proxy.url}/s/pass/v1/messages`, { body }) // the session is known from here on
    await rig.store.close()
    const answered = await ask(`${rig.proxy.url}/s/pass/v1/messages`, { body })
    expect([answered.status, header(answered, 'x-turnpike-unrecorded'), answered.body.toString()]).toEqual([
      200,
      'true',
      '{"ok":1}',
    ])
  })
  it('refuses by default', async () => {
    await open()
    await ask(`${rig.proxy.url}/s/pass/v1/messages`, { body })
    await rig.store.close()
    const answered = await ask(`${rig.proxy.url}/s/pass/v1/messages`, { body })
    expect([answered.status, header(answered, 'x-turnpike-error')]).toEqual([503, 'E_RECORD_FAILED'])
    expect(upstream.requests).toHaveLength(1)
  })
})
