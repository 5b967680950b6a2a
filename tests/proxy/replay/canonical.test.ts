import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../core/types.ts'
import { protocolById } from '../../../protocols/_all.ts'
import { nameConversation, nameJson, withoutVolatile, writeCanonical } from '../../../proxy/replay/canonical.ts'

const anthropic = (body: Json) => {
  const protocol = protocolById('anthropic-messages')
  if (protocol === null) throw new Error('no such protocol')
  return nameConversation(protocol.readRequest(body, { path: '/v1/messages', query: '' }))
}
const body: JsonObject = {
  model: 'm',
  max_tokens: 5,
  system: 'Be brief.',
  metadata: { user_id: 'user_a' },
  tools: [{ name: 'bash', description: 'd', input_schema: { type: 'object', properties: { id: { type: 'string' } } } }],
  messages: [
    { role: 'user', content: 'Go' },
    { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'bash', input: { cache_control: 'mine', id: 1 } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: 'ok' }] },
  ],
}
const change = (edit: (copy: Record<string, never>) => void): Json => {
  const copy = structuredClone(body)
  edit(copy as unknown as Record<string, never>)
  return copy
}

describe('the name of a conversation', () => {
  it.each<[string, Json]>([
    ['the order of keys', Object.fromEntries(Object.entries(body).reverse())],
    ['who the user is', change(copy => Object.assign(copy, { metadata: { user_id: 'user_b' } }))],
    ['a text as string or as list', change(copy => Object.assign(copy, { system: [{ type: 'text', text: 'Be brief.' }] }))],
    [
      'marks of a cache',
      change(copy => {
        Object.assign(copy, { system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }] })
        const [, , last] = copy['messages'] as unknown as Array<{ content: object[] }>
        Object.assign(last?.content[0] ?? {}, { cache_control: { type: 'ephemeral' } })
      }),
    ],
  ])('does not depend on %s', (_, other) => expect(anthropic(other)).toBe(anthropic(body)))

  it.each<[string, Json]>([
    ['the model', change(copy => Object.assign(copy, { model: 'n' }))],
    ['the system text', change(copy => Object.assign(copy, { system: 'Be long.' }))],
    ['whether a stream is wanted', change(copy => Object.assign(copy, { stream: true }))],
    ['other settings', change(copy => Object.assign(copy, { top_p: 0.5 }))],
    ['tools', change(copy => Object.assign(copy, { tools: [] }))],
    [
      'an argument that is called like a mark',
      change(copy => {
        const [, called] = copy['messages'] as unknown as Array<{ content: object[] }>
        Object.assign(called?.content[0] ?? {}, { input: { cache_control: 'other', id: 1 } })
      }),
    ],
    [
      'the id of a tool call',
      change(copy => {
        const [, called] = copy['messages'] as unknown as Array<{ content: object[] }>
        Object.assign(called?.content[0] ?? {}, { id: 't2' })
      }),
    ],
  ])('depends on %s', (_, other) => expect(anthropic(other)).not.toBe(anthropic(body)))

  it('is equal for fields and ids that a client of Chat Completions makes', () => {
    const chat = protocolById('openai-chat')
    const name = (extra: object) =>
      chat && nameConversation(chat.readRequest({ model: 'm', messages: [{ role: 'user', content: 'Go' }], ...extra }))
    expect(name({ user: 'a', prompt_cache_key: 'k1', safety_identifier: 's' })).toBe(name({ user: 'b', prompt_cache_key: 'k2' }))
    expect(name({ seed: 1 })).not.toBe(name({ seed: 2 }))
  })
})

describe('plain JSON', () => {
  it('is written with sorted keys at every depth', () => {
    expect(writeCanonical({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}')
  })

  it('has a name without who and which session, and with everything else', () => {
    expect(nameJson({ user: 'a', event: 1 })).toBe(nameJson({ event: 1, user: 'b' }))
    expect(nameJson({ event: 1 })).not.toBe(nameJson({ event: 2 }))
  })

  it('loses cache marks in lists and keeps arguments of tools whole', () => {
    const marked = { messages: [{ content: [{ text: 'x', cache_control: {}, input: [{ cache_control: 1 }] }] }], metadata: 1 }
    expect(withoutVolatile(marked)).toEqual({ messages: [{ content: [{ text: 'x', input: [{ cache_control: 1 }] }] }] })
  })
})
