// Streams scrubbed piece by piece: deltas join to the filler of the whole, frames keep their form, whatever is cut or strange.
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { describe, expect, it } from 'vitest'
import { createFiller } from '../../../convert/scrub/scrub-filler.ts'
import { scrubStream } from '../../../convert/scrub/scrub-stream.ts'
import { readEvents } from '../../../protocols/_framing.ts'
import { awsEventStreamFraming } from '../../../protocols/_framing-aws-event-stream.ts'
import { sseFraming } from '../../../protocols/_framing-sse.ts'

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

describe('AWS event streams', () => {
  const codec = new EventStreamCodec(
    bytes => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
    text => Buffer.from(text, 'utf8'),
  )
  const frame = (headers: Readonly<Record<string, string>>, payload: string): Buffer => {
    const entries = Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }] as const)
    return Buffer.from(codec.encode({ headers: Object.fromEntries(entries), body: Buffer.from(payload) }))
  }
  const chunkHeaders = { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' }
  const chunk = (inner: string, spell = (base64: string): string => base64): Buffer =>
    frame(chunkHeaders, `{"bytes":"${spell(Buffer.from(inner).toString('base64'))}","p":"abcd"}`)
  const delta = (text: string): string =>
    JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })
  const scrubFrames = (...frames: Buffer[]): Buffer =>
    scrubStream(awsEventStreamFraming, Buffer.concat(frames), 'protocol', filler)
  const open = (bytes: Buffer): string[] =>
    readEvents(awsEventStreamFraming, bytes).map(({ data }) =>
      Buffer.from((JSON.parse(data) as { bytes: string }).bytes, 'base64').toString('utf8'),
    )

  it('of InvokeModel hold the events of the model, whose deltas join to the filler of the whole', () => {
    const pieces = ['Confi', 'dential wör', 'ds, 日本 ', '\u{1f600} end']
    const before = pieces.map(piece => chunk(delta(piece)))
    const after = scrubFrames(...before, chunk('{"type":"message_stop"}'))
    expect(after).toHaveLength(Buffer.concat([...before, chunk('{"type":"message_stop"}')]).length)
    const events = open(after).map(text => JSON.parse(text))
    expect(events.slice(0, -1).map(event => event.delta.text.length)).toEqual(pieces.map(piece => piece.length))
    expect(
      events
        .slice(0, -1)
        .map(event => event.delta.text)
        .join(''),
    ).toBe(filler.text(pieces.join('')))
    expect(events.map(event => event.type)).toEqual([...pieces.map(() => 'content_block_delta'), 'message_stop'])
  })

  it('stay decodable however their base64 is spelled, and hold no text where it is none', () => {
    // At one in three places base64 of `oé` has a slash, which other letters have not.
    const text = `${'oéx'.repeat(6)} Confidential`
    const escaped = chunk(delta(text), base64 => base64.replaceAll('/', '\\/'))
    expect(escaped.includes('\\/')).toBe(true)
    expect(open(scrubFrames(escaped))).toEqual([delta(filler.text(text))])
    const words = frame(chunkHeaders, '{"bytes":"Confidential words"}')
    expect(scrubFrames(words).toString('latin1')).not.toMatch(/Confidential|words/)
    expect(scrubFrames(words)).toHaveLength(words.length)
    expect(open(scrubFrames(chunk('Confidential')))).toEqual([filler.text('Confidential')])
  })

  it('keep headers that say how; messages and unknown headers are texts', () => {
    const headers = {
      ':message-type': 'error',
      ':error-code': 'InternalError',
      ':error-message': 'Confidential',
      trace: 'somebody',
    }
    const before = frame(headers, 'secrets')
    const after = scrubFrames(before)
    expect(after).toHaveLength(before.length)
    expect(after.toString('latin1')).not.toMatch(/Confidential|somebody|secrets/)
    expect(readEvents(awsEventStreamFraming, after)).toEqual([
      { event: 'InternalError', data: JSON.stringify({ message: filler.text('Confidential') }) },
    ])
    expect(Object.keys(codec.decode(after).headers)).toEqual(Object.keys(headers))
  })

  it('that are cut off, damaged or none keep their length and hold no text', () => {
    const whole = frame({ ...chunkHeaders, ':event-type': 'contentBlockDelta' }, '{"delta":{"text":"Confidential"}}')
    const damaged = Buffer.from(whole)
    damaged[damaged.length - 1] = (damaged[damaged.length - 1] ?? 0) ^ 1
    const lost = Buffer.concat([Buffer.from([0xff]), whole])
    for (const bytes of [whole.subarray(0, -6), damaged, lost]) {
      const after = scrubFrames(whole, bytes)
      expect(after).toHaveLength(whole.length + bytes.length)
      expect(after.toString('latin1')).not.toMatch(/Confid/)
      expect(readEvents(awsEventStreamFraming, after).map(({ event }) => event)).toEqual(
        readEvents(awsEventStreamFraming, Buffer.concat([whole, bytes])).map(({ event }) => event),
      )
    }
  })
})
