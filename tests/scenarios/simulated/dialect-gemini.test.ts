// The simulated Gemini over real sockets: streamed both ways and whole, counted, listed, refused, in an envelope, with a shell step.
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../core/types.ts'
import { readEvents } from '../../../protocols/_framing.ts'
import { findFraming } from '../../../protocols/_framings.ts'
import gemini from '../../../protocols/gemini.ts'
import { start } from './_server.ts'

const script = `
rules:
  - when: { user: 'list' }
    steps:
      - { thinking: 'Think.', text: 'Looking around.', shell: 'ls -a' }
      - { text: 'Seen.' }
`
const declaration = {
  name: 'run_shell_command',
  description: 'runs',
  parametersJsonSchema: {
    type: 'object',
    properties: { command: { type: 'string' }, description: { type: 'string' } },
    required: ['command'],
  },
}
const context = { role: 'user', parts: [{ text: '<session_context>list of things</session_context>' }] }
const asked = [context, { role: 'user', parts: [{ text: 'list files' }] }]
const ask = (contents: readonly JsonObject[], more: JsonObject = {}): JsonObject => ({
  contents,
  tools: [{ functionDeclarations: [declaration] }],
  ...more,
})

async function post(url: string, path: string, body: Json) {
  const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) })
  const bytes = Buffer.from(await response.arrayBuffer())
  const framing = findFraming(response.headers.get('content-type'), bytes)
  const answer =
    framing === null ? gemini.readResponse(JSON.parse(bytes.toString())) : gemini.foldEvents(readEvents(framing, bytes))
  return { response, framing: framing?.id ?? null, answer, body: bytes.toString() }
}

describe('the simulated Gemini', () => {
  it.each([
    ['generateContent', null],
    ['streamGenerateContent', 'json-array'],
    ['streamGenerateContent?alt=sse', 'sse'],
  ])('answers :%s', async (verb, framing) => {
    const server = await start(script)
    const path = `/t/token/v1beta/models/gemini-x:${verb}`
    const first = await post(server.url, path, ask(asked))
    expect(first.response.headers.get('x-turnpike-simulated')).toBe('true')
    expect(first.framing).toBe(framing)
    expect(first.answer).toMatchObject({
      model: 'gemini-x',
      stopReason: 'STOP',
      complete: true,
      message: {
        blocks: [
          { kind: 'thinking', text: 'Think.' },
          { kind: 'text', text: 'Looking around.' },
          { kind: 'tool-call', name: 'run_shell_command', input: { command: 'ls -a' } },
        ],
      },
      usage: { source: 'wire', inconsistent: false, cachedRead: 0 },
    })
    const call = first.answer.message.blocks.find(block => block.kind === 'tool-call')
    const contents = [
      ...asked,
      { role: 'model', parts: [{ functionCall: { id: call?.id ?? '', name: 'run_shell_command', args: {} } }] },
      {
        role: 'user',
        parts: [{ functionResponse: { id: call?.id ?? '', name: 'run_shell_command', response: { output: '.' } } }],
      },
    ]
    const second = await post(server.url, path, ask(contents))
    expect(second.answer.message.blocks).toMatchObject([{ kind: 'text', text: 'Seen.' }])
    expect(second.answer.usage?.cachedRead).toBeGreaterThan(0)
    const other = await post(server.url, path.replace('gemini-x', 'gemini-y'), ask(asked))
    expect(other.answer.usage?.cachedRead).toBe(0)
  })

  it('answers in the envelope it was asked in', async () => {
    const server = await start(script)
    const { body, answer } = await post(server.url, '/v1internal:generateContent', {
      model: 'm',
      project: 'p',
      request: ask(asked),
    })
    expect(JSON.parse(body)).toMatchObject({ response: { candidates: [{ finishReason: 'STOP' }] } })
    expect(answer.model).toBe('m')
  })

  it('counts tokens and lists models', async () => {
    const server = await start('models: [gemini-a, gemini-b]')
    const count = await fetch(`${server.url}/v1beta/models/gemini-a:countTokens`, {
      method: 'POST',
      body: JSON.stringify(ask(asked)),
    })
    const { totalTokens } = (await count.json()) as { totalTokens: number }
    expect(totalTokens).toBeGreaterThan(50)
    const list = await (await fetch(`${server.url}/v1beta/models`)).json()
    expect(list).toMatchObject({ models: [{ name: 'models/gemini-a' }, { name: 'models/gemini-b' }] })
    const one = await fetch(`${server.url}/v1beta/models/gemini-b`)
    expect(await one.json()).toMatchObject({ name: 'models/gemini-b' })
    expect(server.calls()).toBe(0)
  })

  it('refuses in its own words', async () => {
    const server = await start('models: [gemini-a]')
    const { response, answer } = await post(server.url, '/v1beta/models/nobody:generateContent', ask(asked))
    expect([response.status, answer.error?.type]).toEqual([404, 'NOT_FOUND'])
    const odd = await post(server.url, '/v1beta/models/gemini-a:generateContent', { messages: [] })
    expect([odd.response.status, odd.answer.error?.type]).toEqual([400, 'INVALID_ARGUMENT'])
  })

  it('tells Gemini CLI which model to take', async () => {
    const server = await start(script)
    const { answer } = await post(server.url, '/v1beta/models/lite:generateContent', {
      contents: asked,
      generationConfig: { responseJsonSchema: { type: 'OBJECT', properties: { complexity_score: { type: 'INTEGER' } } } },
    })
    const [only] = answer.message.blocks
    expect(only?.kind === 'text' && JSON.parse(only.text)).toMatchObject({ complexity_score: 50 })
  })
})
