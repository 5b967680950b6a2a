// The simulated Bedrock over real sockets: both APIs, whole and streamed, with a shell step, cache points, counts and refusals.
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../core/types.ts'
import { protocolById } from '../../../protocols/_all.ts'
import { readEvents } from '../../../protocols/_framing.ts'
import { findFraming } from '../../../protocols/_framings.ts'
import { start } from './_server.ts'

const script = `
rules:
  - when: { user: 'list' }
    steps:
      - { thinking: 'Think.', text: 'Looking around.', shell: 'ls -a' }
      - { text: 'Seen.' }
`
const schema = { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] }
const converseBody: JsonObject = {
  system: [{ text: 'Filler. '.repeat(50) }, { cachePoint: { type: 'default' } }],
  messages: [{ role: 'user', content: [{ text: 'list files' }] }],
  toolConfig: { tools: [{ toolSpec: { name: 'bash', inputSchema: { json: schema } } }] },
}
const invokeBody: JsonObject = {
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 100,
  system: [{ type: 'text', text: 'Filler. '.repeat(50), cache_control: { type: 'ephemeral' } }],
  messages: [{ role: 'user', content: 'list files' }],
  tools: [{ name: 'bash', description: 'runs', input_schema: schema }],
}

async function post(url: string, path: string, body: Json) {
  const protocol = protocolById(path.includes('/converse') ? 'bedrock-converse' : 'bedrock-invoke')
  const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) })
  const bytes = Buffer.from(await response.arrayBuffer())
  const framing = findFraming(response.headers.get('content-type'), bytes)
  const answer =
    framing === null ? protocol?.readResponse(JSON.parse(bytes.toString())) : protocol?.foldEvents(readEvents(framing, bytes))
  return { response, framing: framing?.id ?? null, answer }
}

describe('the simulated Bedrock', () => {
  it.each([
    ['converse', converseBody, null],
    ['converse-stream', converseBody, 'aws-event-stream'],
    ['invoke', invokeBody, null],
    ['invoke-with-response-stream', invokeBody, 'aws-event-stream'],
  ])('answers /%s', async (verb, body, framing) => {
    const server = await start(script)
    const path = `/t/token/model/us.anthropic.claude-x-v1%3A0/${verb}`
    const first = await post(server.url, path, body)
    expect(first.response.headers.get('x-amzn-requestid')).toMatch(/^req_simulated_/)
    expect(first.framing).toBe(framing)
    expect(first.answer).toMatchObject({
      stopReason: 'tool_use',
      complete: true,
      message: {
        blocks: [
          { kind: 'thinking', text: 'Think.', signature: /^simulated/ },
          { kind: 'text', text: 'Looking around.' },
          { kind: 'tool-call', name: 'bash', input: { command: 'ls -a' } },
        ],
      },
      usage: { source: 'wire', inconsistent: false, cachedRead: 0 },
    })
    expect(first.answer?.usage?.cachedWrite5m).toBeGreaterThan(50)
    const second = await post(server.url, path, body)
    expect(second.answer?.usage?.cachedRead).toBe(first.answer?.usage?.cachedWrite5m)
    const other = await post(server.url, path.replace('claude-x', 'claude-y'), body)
    expect(other.answer?.usage?.cachedRead).toBe(0)
  })

  it('goes on to the next step when the result has come', async () => {
    const server = await start(script)
    const messages: Json = [
      { role: 'user', content: [{ text: 'list files' }] },
      { role: 'assistant', content: [{ toolUse: { toolUseId: 'a', name: 'bash', input: { command: 'ls' } } }] },
      { role: 'user', content: [{ toolResult: { toolUseId: 'a', content: [{ text: '.' }] } }] },
    ]
    const { answer } = await post(server.url, '/model/m/converse', { ...converseBody, messages })
    expect(answer).toMatchObject({ stopReason: 'end_turn', message: { blocks: [{ text: 'Seen.' }] } })
  })

  it('counts tokens', async () => {
    const server = await start(script)
    const count = async (input: Json) => {
      const response = await fetch(`${server.url}/model/m/count-tokens`, { method: 'POST', body: JSON.stringify({ input }) })
      return ((await response.json()) as { inputTokens: number }).inputTokens
    }
    expect(await count({ converse: converseBody })).toBeGreaterThan(100)
    expect(await count({ invokeModel: { body: 'AAAA' } })).toBeGreaterThan(5)
    expect(server.calls()).toBe(0)
  })

  it('refuses in its own words', async () => {
    const server = await start('models: [a]')
    const unknown = await post(server.url, '/model/nobody/converse', converseBody)
    expect([unknown.response.status, unknown.answer?.error?.type]).toEqual([404, 'ResourceNotFoundException'])
    const { max_tokens: _, ...unlimited } = invokeBody
    const odd = await post(server.url, '/model/a/invoke', unlimited)
    expect([odd.response.status, odd.answer?.error?.type]).toEqual([400, 'ValidationException'])
  })
})
