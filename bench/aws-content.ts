// Answers in messages of the AWS event stream, as Bedrock's ConverseStream gives them: made once with the codec the proxy reads them
// with, then only the id of the first message and its checksum change from answer to answer.
import { crc32 } from 'node:zlib'
import { awsEventStreamFraming } from '../protocols/_framing-aws-event-stream.ts'
import { type AnswerShape, idDigits, makeText } from './content.ts'

const place = '0'.repeat(idDigits)

/** Length of a message, of its headers, and their checksum. */
const preludeBytes = 12

export function awsAnswers(messages: number): AnswerShape {
  const made = Array.from({ length: 256 }, (_, index) => makeAnswer(messages, index))
  const [
    {
      body: first,
      ends: [firstEnd = 0],
    } = { body: Buffer.alloc(0), ends: [] },
  ] = made
  return {
    variants: made.map(({ body }) => body),
    idAt: first.indexOf(place, preludeBytes),
    eventEnds: made.map(({ ends }) => ends),
    seal: body => void body.writeUInt32BE(crc32(body.subarray(0, firstEnd - 4)), firstEnd - 4),
  }
}

function makeAnswer(messages: number, index: number): { body: Buffer; ends: number[] } {
  const words = makeText(messages * 24, 9000 + index)
    .toString('latin1')
    .split(' ')
  const delta = (at: number): string => words[at % words.length] ?? ''
  const events = [
    { event: 'messageStart', data: `{"p":"${place}","role":"assistant"}` },
    ...Array.from({ length: messages - 4 }, (_, at) => ({
      event: 'contentBlockDelta',
      data: `{"contentBlockIndex":0,"delta":{"text":"${delta(at)} "},"p":"abcdefghijklmnopqrstuvwxyz"}`,
    })),
    { event: 'contentBlockStop', data: '{"contentBlockIndex":0,"p":"abcdefgh"}' },
    { event: 'messageStop', data: '{"p":"abcdefghij","stopReason":"end_turn"}' },
    { event: 'metadata', data: '{"metrics":{"latencyMs":900},"usage":{"inputTokens":300,"outputTokens":400,"totalTokens":700}}' },
  ]
  const frames = [...awsEventStreamFraming.writeEvents(events)].map(frame => Buffer.from(frame))
  const ends: number[] = []
  for (const frame of frames) ends.push((ends.at(-1) ?? 0) + frame.length)
  return { body: Buffer.concat(frames), ends }
}
