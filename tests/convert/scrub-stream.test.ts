// Streams scrubbed piece by piece: deltas join to the filler of the whole, frames keep their form, whatever is cut or strange.
import { describe, expect, it } from 'vitest'
import { createFiller } from '../../convert/scrub-filler.ts'
import { scrubStream } from '../../convert/scrub-stream.ts'
import { sseFraming } from '../../protocols/_framing-sse.ts'

const filler = createFiller('test')
const scrub = (text: string): string => scrubStream(sseFraming, Buffer.from(text), 'protocol', filler).toString('utf8')
const sse = (...data: unknown[]): string =>
  data.map(value => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`).join('')
const readData = (text: string) => [...text.matchAll(/^data: (\{.*\})$/gm)].map(match => JSON.parse(match[1] ?? ''))

describe('deltas', () => {
  it('of text join to the filler of the whole, cut where they were cut', () => {
    const pieces = ['Hel', 'lo wor', 'ld, 日', '本 ', '\ud83d', '\ude00 end']
    const after = readData(
      scrub(sse(...pieces.map(text => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })))),
    )
    expect(after.map(event => event.delta.text.length)).toEqual(pieces.map(piece => piece.length))
    expect(after.map(event => event.delta.text).join('')).toBe(filler.text(pieces.join('')))
  })

  it('of arguments join to JSON with the same keys', () => {
    const pieces = ['{"comm', 'and": "ls', ' -l /Users/som', 'ebody", "n": 1', '2}']
    const call = (id: string | undefined, text: string) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...(id ? { id } : {}), function: { arguments: text } }] } }],
    })
    const events = pieces.map((piece, at) => call(at === 0 ? 'call_a' : undefined, piece))
    const others = pieces.map((piece, at) => call(at === 0 ? 'call_b' : undefined, piece.replace('ls', 'rm')))
    const after = readData(scrub(sse(...events, ...others, '[DONE]'))).map(
      event => event.choices[0].delta.tool_calls[0].function.arguments,
    )
    const [first, second] = [after.slice(0, 5).join(''), after.slice(5).join('')]
    expect(Object.keys(JSON.parse(first))).toEqual(['command', 'n'])
    expect(Object.keys(JSON.parse(second))).toEqual(['command', 'n'])
    expect(first).not.toBe(second)
    expect(first + second).not.toMatch(/somebody/)
  })

  it('of blocks with the same index opened twice, of parts and of choices are texts of their own', () => {
    const start = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }
    const delta = (text: string) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })
    const after = readData(scrub(sse(start, delta('Equal words'), start, delta('Equal words'))))
    expect(after[1].delta.text).toBe(after[3].delta.text)
    const choices = readData(
      scrub(
        sse(
          {
            choices: [
              { index: 0, delta: { content: 'Equal' } },
              { index: 1, delta: { content: 'Equal' } },
            ],
          },
          { choices: [{ index: 0, delta: { content: ' words' } }] },
        ),
      ),
    )
    expect(choices[0].choices[0].delta.content + choices[1].choices[0].delta.content).toBe(filler.text('Equal words'))
    expect(choices[0].choices[1].delta.content).toBe(filler.text('Equal'))
    const gemini = (parts: object[]) => ({ candidates: [{ content: { role: 'model', parts } }] })
    const runs = readData(
      scrub(
        sse(gemini([{ text: 'One tw' }]), gemini([{ text: 'o' }, { functionCall: { name: 'f', args: {} } }, { text: 'Three' }])),
      ),
    )
    expect(runs[0].candidates[0].content.parts[0].text + runs[1].candidates[0].content.parts[0].text).toBe(filler.text('One two'))
    expect(runs[1].candidates[0].content.parts[2].text).toBe(filler.text('Three'))
  })
})

describe('frames', () => {
  it('keep line breaks, event names and retry; ids and comments are texts', () => {
    const text =
      ': kept alive by somebody\r\n\r\nevent: message_stop\r\nid: 4711-abc\r\nretry: 30\r\ndata: {"type":"message_stop"}\r\n\r\n'
    const after = scrub(text)
    expect(after).toMatch(
      /^: [a-z]{4} [a-z]{5} [a-z]{2} [a-z]{8}\r\n\r\nevent: message_stop\r\nid: \d{4}-[a-z]{3}\r\nretry: 30\r\ndata: \{"type":"message_stop"\}\r\n\r\n$/,
    )
    expect(after).not.toMatch(/somebody|4711/)
  })

  it('of several data lines are scrubbed as one event', () => {
    const text = 'data: {"type":"content_block_delta","index":0,\ndata: "delta":{"type":"text_delta","text":"Confidential"}}\n\n'
    const after = scrub(text)
    expect(after).toMatch(
      /^data: \{"type":"content_block_delta","index":0,\ndata: "delta":\{"type":"text_delta","text":"[A-Z][a-z]{11}"\}\}\n\n$/,
    )
    expect(after).not.toContain('Confidential')
  })

  it('that are cut off or no JSON hold no text either', () => {
    const text = 'data: {"type":"content_block_delta","delta":{"text":"Confidential inf'
    expect(scrub(text)).toHaveLength(text.length)
    expect(scrub(`${text}\n\nevent: some words\ndata: plain confidence\n\n`)).not.toMatch(/Confidential|confidence|words/)
  })
})
