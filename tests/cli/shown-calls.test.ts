// What counts as a call and what does not, for every protocol, through a real proxy in front of the simulated provider.
import { afterEach, describe, expect, it } from 'vitest'
import { readShown } from '../../cli/shown-calls.ts'
import { decodeExchanges } from '../../convert/decode.ts'
import { type SimulatedServer, startSimulated } from '../../scenarios/simulated/server.ts'
import { openRig, type Rig } from '../rig.ts'

let rig: Rig | null = null
let server: SimulatedServer | null = null
afterEach(async () => {
  await rig?.close()
  await server?.close()
})

const contents = [{ role: 'user', parts: [{ text: 'hi' }] }]
const messages = [{ role: 'user', content: 'hi' }]
const converse = { messages: [{ role: 'user', content: [{ text: 'hi' }] }] }
const providers = [
  {
    protocol: 'anthropic-messages',
    headers: { 'anthropic-version': '2023-06-01' },
    beside: [
      ['/v1/messages/count_tokens', { model: 'm', messages }],
      ['/v1/models', null],
    ],
    call: ['/v1/messages', { model: 'm', max_tokens: 50, stream: true, messages }],
  },
  {
    protocol: 'gemini',
    headers: { 'x-goog-api-key': 'filler-key' },
    beside: [
      ['/v1beta/models/m:countTokens', { contents }],
      ['/v1beta/models', null],
    ],
    call: ['/v1beta/models/m:streamGenerateContent', { contents }],
  },
  {
    protocol: 'gemini',
    headers: {},
    beside: [['/v1beta/models/m', null]],
    call: ['/v1beta/models/m:streamGenerateContent?alt=sse', { contents }],
  },
  {
    protocol: 'bedrock-converse',
    headers: {},
    beside: [['/model/m/count-tokens', { input: { converse } }]],
    call: ['/model/m/converse-stream', converse],
  },
  {
    protocol: 'bedrock-invoke',
    headers: {},
    beside: [],
    call: ['/model/m/invoke-with-response-stream', { anthropic_version: 'bedrock-2023-05-31', max_tokens: 50, messages }],
  },
] as const

describe.each(providers)('$protocol at $call.0', ({ protocol, headers, beside, call }) => {
  it('counts and lists are no calls, and the call is decoded from its recorded bytes', async () => {
    server = await startSimulated({ seed: 1 })
    rig = await openRig(server.url)
    const { url } = rig.proxy
    const ask = async (path: string, body: object | null): Promise<number> => {
      const sent = body === null ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
      const response = await fetch(`${url}/s/one${path}`, sent)
      await response.arrayBuffer()
      return response.status
    }
    for (const [path, body] of beside) expect(await ask(path, body)).toBe(200)
    expect(await ask(call[0], call[1])).toBe(200)
    const exchanges = await rig.exchanges()
    expect(exchanges).toHaveLength(beside.length + 1)
    expect(await decodeExchanges(rig.store, {})).toMatchObject({ decoded: 1, undecodable: 0, reasons: [] })
    const shown = await readShown(rig.store, {})
    expect(shown.other).toHaveLength(beside.length)
    expect(shown.calls).toHaveLength(1)
    expect(shown.calls[0]).toMatchObject({
      undecodable: null,
      call: { protocol, modelAsked: 'm', complete: true, usage: { source: 'wire', inconsistent: false } },
    })
    expect(shown.calls[0]?.call?.usage?.output).toBeGreaterThan(0)
  })
})
