import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { anthropicClient, kinds, openaiClient, path, post, requestBody, start } from './_server.ts'

const named = 'models: [simulated-a, simulated-b]'

describe('models', () => {
  it('are listed to both official clients, and found by name', async () => {
    const server = await start(named)
    const anthropic = await anthropicClient(server).models.list()
    expect(anthropic.data.map(model => model.id)).toEqual(['simulated-a', 'simulated-b'])
    expect(await anthropicClient(server).models.retrieve('simulated-b')).toMatchObject({ type: 'model', id: 'simulated-b' })
    const openai = await openaiClient(server).models.list()
    expect(openai.data.map(model => model.id)).toEqual(['simulated-a', 'simulated-b'])
    expect(await openaiClient(server).models.retrieve('simulated-a')).toMatchObject({
      object: 'model',
      owned_by: 'turnpike-simulated',
    })
  })

  it('that are not in the list are refused as the provider does', async () => {
    const server = await start(named)
    const anthropic = anthropicClient(server).messages.create({
      model: 'nobody',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'hi' }],
    })
    await expect(anthropic).rejects.toMatchObject({ status: 404, error: { error: { type: 'not_found_error' } } })
    const openai = openaiClient(server).chat.completions.create({ model: 'nobody', messages: [{ role: 'user', content: 'hi' }] })
    await expect(openai).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
    await expect(openaiClient(server).models.retrieve('nobody')).rejects.toMatchObject({ status: 404 })
    expect(server.calls()).toBe(0)
  })

  it('may have any name when no list is given', async () => {
    const server = await start()
    expect((await openaiClient(server).models.list()).data).toHaveLength(1)
    expect((await post(server, 'anthropic', 'hi', false)).status).toBe(200)
  })
})

describe('what clients send beside calls', () => {
  it('HEAD / is answered, with the label', async () => {
    const server = await start()
    const response = await fetch(server.url, { method: 'HEAD' })
    expect([response.status, response.headers.get('x-turnpike-simulated'), await response.text()]).toEqual([200, 'true', ''])
  })

  it.each([
    ['GET', '/'],
    ['GET', '/v1/responses'],
    ['POST', '/v1/responses/compact'],
    ['POST', '/v1/completions'],
    ['GET', '/v1/messages'],
    ['PUT', '/v1/chat/completions'],
    ['HEAD', '/api/hello'],
    ['DELETE', '/v1/models/x'],
  ])('%s %s is a clear 404 with the label', async (method, url) => {
    const server = await start()
    const response = await fetch(server.url + url, { method, ...(method === 'POST' ? { body: '{}' } : {}) })
    expect([response.status, response.headers.get('x-turnpike-simulated')]).toEqual([404, 'true'])
    if (method !== 'HEAD') expect(await response.text()).toContain(`does not answer ${method} ${url}`)
  })

  it('errors come in the dialect of the caller', async () => {
    const server = await start()
    const asAnthropic = await fetch(`${server.url}/nowhere`, { headers: { 'anthropic-version': '2023-06-01' } })
    expect(await asAnthropic.json()).toMatchObject({ type: 'error', error: { type: 'not_found_error' } })
    const asOpenai = await fetch(`${server.url}/nowhere`)
    expect(await asOpenai.json()).toMatchObject({ error: { type: 'invalid_request_error', param: null, code: null } })
  })
})

describe('a request body', () => {
  it.each(kinds)('that is wrong is a 400 of %s', async kind => {
    const server = await start()
    const send = async (body: string, headers: Record<string, string> = {}) => {
      const response = await fetch(server.url + path(kind), { method: 'POST', body, headers })
      const answer = (await response.json()) as { error: { message: string; type: string } }
      return [response.status, answer.error.type, answer.error.message]
    }
    const wrong = (message: unknown) => [400, 'invalid_request_error', message]
    expect(await send('{')).toEqual(wrong(expect.stringContaining('not valid JSON')))
    expect(await send('[]')).toEqual(wrong(expect.stringContaining('not a JSON object')))
    expect(await send('{"messages":[{"role":"user","content":"a"}]}')).toEqual(wrong('model: Field required'))
    expect(await send('{"model":"m","max_tokens":1,"messages":[]}')).toEqual(
      wrong(expect.stringContaining('at least one message')),
    )
    expect(await send('{}', { 'content-encoding': 'zstd' })).toEqual(wrong(expect.stringContaining('zstd')))
    expect(await send('not gzip', { 'content-encoding': 'gzip' })).toEqual(wrong(expect.stringContaining('gzip')))
    expect(server.calls()).toBe(0)
  })

  it('without max_tokens is refused by Anthropic alone', async () => {
    const server = await start()
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'a' }] })
    expect((await fetch(server.url + path('anthropic'), { method: 'POST', body })).status).toBe(400)
    expect((await fetch(server.url + path('openai'), { method: 'POST', body })).status).toBe(200)
  })

  it('may be compressed', async () => {
    const server = await start()
    const body = requestBody('openai', 'hi', false)
    for (const [encoding, bytes] of [
      ['gzip', gzipSync(body)],
      ['br', brotliCompressSync(body)],
    ] as const) {
      const headers = { 'content-encoding': encoding }
      const response = await fetch(server.url + path('openai'), { method: 'POST', body: new Uint8Array(bytes), headers })
      expect(response.status).toBe(200)
    }
  })

  it('may be large', async () => {
    const server = await start()
    const response = await post(server, 'anthropic', 'x'.repeat(8_000_000), false)
    expect(((await response.json()) as { usage: { input_tokens: number } }).usage.input_tokens).toBeGreaterThan(2_000_000)
  })
})
