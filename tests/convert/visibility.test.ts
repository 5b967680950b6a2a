import { describe, expect, it } from 'vitest'
import { readVisibility } from '../../convert/visibility.ts'
import type { JsonObject } from '../../core/types.ts'
import anthropicMessages from '../../protocols/anthropic-messages.ts'
import { answer, assistant, conversation, type ScriptedCall, text, user } from './script.ts'

const call: ScriptedCall = { id: 'a', at: 1, messages: [user('hi')], answer: assistant(text('ho')) }
const read = (extra: JsonObject, said: JsonObject = {}) =>
  readVisibility({ ...conversation(call), extra }, { ...answer(call)!, extra: said })

describe('what the model saw', () => {
  it('is the request, where it points nowhere else', () => {
    expect(read({ metadata: { a: 1 }, cachedContent: null, conversation: '' })).toEqual({ edited: false, unseen: null })
    expect(readVisibility(conversation(call), null)).toEqual({ edited: false, unseen: null })
    // A link to an answer, which the tree follows.
    expect(read({ previous_response_id: 'resp_1' }).unseen).toBeNull()
  })

  it.each<[string, JsonObject]>([
    ['a conversation of the provider', { conversation: { id: 'conv_1' } }],
    ['a stored prompt', { prompt: { id: 'pmpt_1', version: '2' } }],
    ['cached content', { cachedContent: 'cachedContents/1' }],
  ])('is more than the request with %s, and can be compared', (_, extra) => {
    expect(read(extra).unseen).not.toBeNull()
    expect(read(extra).unseen).toBe(read({ ...extra }).unseen)
    const [key = ''] = Object.keys(extra)
    expect(read({ [key]: 'another' }).unseen).not.toBe(read(extra).unseen)
  })

  it('is less where the provider says what it took out', () => {
    const edits = [{ type: 'clear_tool_uses_20250919', cleared_tool_uses: 8, cleared_input_tokens: 50_000 }]
    expect(read({}, { context_management: { applied_edits: edits } }).edited).toBe(true)
    expect(read({}, { context_management: { applied_edits: [] } }).edited).toBe(false)
    // As it is streamed.
    const events = [
      { type: 'message_start', message: { id: 'm', type: 'message', role: 'assistant', model: 'x', content: [] } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, context_management: { applied_edits: edits } },
      { type: 'message_stop' },
    ].map(data => ({ event: data.type, data: JSON.stringify(data) }))
    expect(readVisibility(conversation(call), anthropicMessages.foldEvents(events)).edited).toBe(true)
  })
})
