import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/types.ts'
import { protocolById } from '../../../protocols/_all.ts'
import { type Place, readFingerprint, readSteps } from '../../../proxy/replay/fingerprint.ts'

const address = { path: '/v1/messages', query: '' }
const anthropic = protocolById('anthropic-messages')

function place(messages: Json, more: object = {}): Place {
  const print = readFingerprint({ model: 'm', max_tokens: 1, messages, ...more }, anthropic, address)
  if (print === null || print.place === null) throw new Error('no place')
  return print.place
}

const user = (content: Json) => ({ role: 'user', content })
const assistant = (...content: Json[]) => ({ role: 'assistant', content })
const text = (words: string) => ({ type: 'text', text: words })
const call = (id: string, input: Json = {}) => ({ type: 'tool_use', id, name: 'bash', input })
const result = (id: string, content: string) => user([{ type: 'tool_result', tool_use_id: id, content }])

describe('the place of a request', () => {
  it('is named by what the model has said, not by what it was told', () => {
    const then = place([user('in /var/a'), assistant(text('Hm'), call('t1')), result('t1', 'then')])
    const now = place([user('in /var/b'), assistant(text('Hm'), call('t1')), result('t1', 'now')])
    expect(now.said).toBe(then.said)
    expect(now.steps).toBe(2)
  })

  it('depends on each thing said, and on their order', () => {
    const names = [
      place([user('x')]),
      place([user('x'), assistant(text('a')), user('y')]),
      place([user('x'), assistant(text('a')), user('y'), assistant(text('b')), user('z')]),
      place([user('x'), assistant(text('b')), user('y'), assistant(text('a')), user('z')]),
      place([user('x'), assistant(call('t1')), result('t1', 'r')]),
      place([user('x'), assistant(call('t2')), result('t2', 'r')]),
    ].map(({ said }) => said)
    expect(new Set(names).size).toBe(names.length)
  })

  it('is blind to thinking, to how texts are cut, to blanks at their ends and to marks', () => {
    const plain = place([user('x'), assistant(text('one two'), call('t1')), result('t1', 'r')])
    const other = place([
      user('x'),
      assistant({ type: 'thinking', thinking: 'hm', signature: 's' }, text('one '), text('two\n')),
      assistant({ ...call('t1'), cache_control: { type: 'ephemeral' } }),
      result('t1', 'r'),
    ])
    expect(other.said).toBe(plain.said)
  })

  it('knows a call by its id where the client has changed its input, and by its input where it has changed its id', () => {
    const original = place([user('x'), assistant(call('t1', { command: 'ls' })), result('t1', 'r')])
    const filled = place([user('x'), assistant(call('t1', { command: 'ls', timeout: 5 })), result('t1', 'r')])
    const renamed = place([user('x'), assistant(call('own-1', { command: 'ls' })), result('own-1', 'r')])
    expect([filled.said === original.said, filled.saidLoosely === original.saidLoosely]).toEqual([true, false])
    expect([renamed.said === original.said, renamed.saidLoosely === original.saidLoosely]).toEqual([false, true])
  })

  it('tells results of tools from instructions, and the request from what surrounds it', () => {
    expect(place([user('x')]).answersTools).toBe(false)
    expect(place([user('x'), assistant(call('t')), result('t', 'r')]).answersTools).toBe(true)
    const wrapped = place([user([text('<rules> never delete anything </rules>'), text('fix it')])])
    expect(wrapped.request).toEqual(place([user('fix it')]).request)
    expect(wrapped.newest).not.toEqual(wrapped.request)
    const noted = place([user('fix it'), { role: 'system', content: 'The following tools exist as well.' }])
    expect(noted.request).toEqual(wrapped.request)
    expect(noted.parts.words).toHaveLength(2)
  })
})

describe('what is no conversation', () => {
  it('has a name when it is JSON, and nothing otherwise', () => {
    expect(readFingerprint({ event: 'x' }, null, address)?.place).toBeNull()
    expect(readFingerprint({ not: 'messages' }, anthropic, address)?.place).toBeNull()
    expect(readFingerprint(undefined, anthropic, address)).toBeNull()
  })
})

describe('the steps of a conversation', () => {
  it('end at its place, and begin with those of the calls before', () => {
    const messages = [user('x'), assistant(text('a')), user('y'), assistant(text('b')), user('z')]
    const steps = (part: Json[]) => readSteps({ model: 'm', max_tokens: 1, messages: part }, anthropic, address)
    expect(steps(messages).at(-1)).toBe(place(messages).said)
    expect(steps(messages).slice(0, 1)).toEqual(steps(messages.slice(0, 3)))
    expect(readSteps({}, null, address)).toEqual([])
  })

  it('begin with the answer that a request says it continues', () => {
    const chat = protocolById('openai-chat')
    const request = (previous: string) => ({ model: 'm', previous_response_id: previous, messages: [user('x')] })
    expect(readSteps(request('resp_1'), chat, address)).toHaveLength(1)
    expect(readSteps(request('resp_1'), chat, address)).not.toEqual(readSteps(request('resp_2'), chat, address))
  })
})
