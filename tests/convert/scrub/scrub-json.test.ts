// A JSON text scrubbed in place: what stays and what goes, by where it stands.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFiller } from '../../../convert/scrub/scrub-filler.ts'
import { type ScrubContext, scrubJson } from '../../../convert/scrub/scrub-json.ts'

const filler = createFiller('test')
const scrub = (text: string, context: ScrubContext = 'protocol'): string => scrubJson(text, context, filler) ?? ''

describe('scrubJson', () => {
  it('keeps every byte that is no text: blanks, order, escapes, the spelling of numbers', () => {
    const text =
      '{ "max_tokens" : 64 ,\n\t"messages":[ {"content":"A \\"q\\"\\n\\u00e9\\uD83D\\uDE00 \\/é","role":"user"} ],"temperature":1.0}'
    const after = scrub(text)
    expect(after).toMatch(
      /^\{ "max_tokens" : 64 ,\n\t"messages":\[ \{"content":"[A-Z] \\"[a-z]\\"\\n\\u00[a-f0-9]{2}\\uD83D\\uD[C-F][0-9A-F]{2} \\\/.","role":"user"\} \],"temperature":1\.0\}$/,
    )
    expect(Buffer.byteLength(after)).toBe(Buffer.byteLength(text))
  })

  it('keeps the length and the shape of any JSON, and stays JSON', () =>
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.constantFrom<ScrubContext>('protocol', 'content', 'schema'),
        (value, context) => {
          const text = JSON.stringify(value)
          const after = scrub(text, context)
          expect(Buffer.byteLength(after)).toBe(Buffer.byteLength(text))
          expect(() => JSON.parse(after)).not.toThrow()
        },
      ),
    ))

  it('keeps the words, models, tools and figures of a protocol, and no others', () => {
    const text = JSON.stringify({
      model: 'vendor/model-4.5:beta',
      messages: [
        {
          role: 'assistant',
          name: 'Somebody',
          content: [
            {
              type: 'tool_use',
              id: 'toolu_1a2b3c',
              name: 'Edit',
              input: { path: '/Users/somebody', type: 'tool_use', lines: 4711 },
            },
          ],
        },
      ],
      tools: [
        {
          name: 'Edit',
          description: 'Changes files',
          input_schema: {
            type: 'object',
            required: ['path'],
            properties: {
              path: { type: 'string', description: 'Where', enum: ['somewhere'] },
              type: { type: 'integer', default: 4711 },
            },
          },
        },
      ],
      usage: { input_tokens: 1234, detail: { anything: 99 } },
      stop_reason: 'tool_use',
      unknown_figure: 4711,
    })
    const after = JSON.parse(scrub(text))
    expect(after).toMatchObject({
      model: 'vendor/model-4.5:beta',
      stop_reason: 'tool_use',
      usage: { input_tokens: 1234, detail: { anything: 99 } },
    })
    const [message] = after.messages
    expect(message).toMatchObject({ role: 'assistant', content: [{ type: 'tool_use', name: 'Edit' }] })
    expect(Object.keys(message.content[0].input)).toEqual(['path', 'type', 'lines'])
    expect(after.tools[0]).toMatchObject({
      name: 'Edit',
      input_schema: { type: 'object', required: ['path'], properties: { path: { type: 'string' }, type: { type: 'integer' } } },
    })
    expect(JSON.stringify(after)).not.toMatch(/Somebody|somebody|Changes|Where|somewhere|4711|1a2b3c/)
    expect(message.content[0].input.type).not.toBe('tool_use')
  })

  it('does not take a sentence for a word of the protocol, or a path for a key', () => {
    const after = scrub(
      '{"type":"My secret plan","role":"user@somewhere.example","/Users/somebody/x.ts":"","status":"completed"}',
    )
    expect(after).not.toMatch(/secret|plan|somewhere|somebody/)
    expect(after).toContain('"status":"completed"')
  })

  it('keeps how AWS names errors, why a model stopped and how long it took', () => {
    const kept =
      '{"__type":"com.amazon.coral.service#ThrottlingException","completionReason":"FINISH","metrics":{"latencyMs":1234}}'
    expect(scrub(kept)).toBe(kept)
    for (const type of ['com.example.falcon#Undercover', 'Undercover falcon', 'undercover#Falcon'])
      expect(scrub(JSON.stringify({ __type: type }))).not.toMatch(/falcon|undercover/i)
  })

  it('keeps arguments that are JSON in a string what they are as an object', () => {
    const nested = JSON.parse(scrub(JSON.stringify({ function: { name: 'run', arguments: '{"cmd": "ls -l", "n": 42}' } })))
    const direct = JSON.parse(scrub(JSON.stringify({ type: 'tool_use', input: { cmd: 'ls -l', n: 42 } })))
    expect(JSON.parse(nested.function.arguments)).toEqual(direct.input)
    expect(nested.function.name).toBe('run')
    const broken = scrub(JSON.stringify({ arguments: '{"cmd": "confidential' }))
    expect(broken).not.toContain('confidential')
  })

  it('keeps images decodable and the type of data addresses', () => {
    const data = Buffer.from('some image bytes, of no kind').toString('base64')
    const after = JSON.parse(
      scrub(
        JSON.stringify({
          source: { type: 'base64', media_type: 'image/png', data },
          image_url: { url: `data:image/png;base64,${data}` },
        }),
      ),
    )
    expect(after.source).toMatchObject({ type: 'base64', media_type: 'image/png' })
    expect(after.source.data).not.toBe(data)
    expect(Buffer.from(after.source.data, 'base64')).toHaveLength(Buffer.from(data, 'base64').length)
    expect(after.image_url.url).toBe(`data:image/png;base64,${after.source.data}`)
  })

  it('keeps parts of one answer that are sent back joined or apart alike', () => {
    const say = (...texts: string[]): string[] =>
      JSON.parse(
        scrub(JSON.stringify({ contents: [{ role: 'model', parts: texts.map(text => ({ text })) }] })),
      ).contents[0].parts.map((part: { text: string }) => part.text)
    expect(say('One tw', 'o three').join('')).toBe(say('One two three').join(''))
  })
})
