// What the WebSocket benchmark sends and answers: a continuation of about 2 KB and 40 events, shaped like OpenAI Responses. Both are functions
// of their number alone, so that each end can compare what came, byte for byte, with what the other sent; no two numbers give equal bytes.
import { makeText } from './content.ts'

export const answerEvents = 40

const fixedEvents = 7

const texts = Array.from({ length: 512 }, (_, index) => {
  const text = makeText(1500, 20_000 + index).toString('latin1')
  return text.slice(0, text.lastIndexOf(' '))
})
const words = texts.map(text => text.replace(/[\\"]/g, '').split(' '))

const numberOf = /"(?:previous_response_id|id|response_id)":"resp_(\d+)"/

/** The number a message carries; null when it carries none. */
export function readNumber(message: string): number | null {
  const digits = numberOf.exec(message)?.[1]
  return digits === undefined ? null : Number(digits)
}

const idOf = (number: number): string => `resp_${String(number).padStart(12, '0')}`

export function writeQuestion(number: number): string {
  const text = texts[number % texts.length] ?? ''
  const id = idOf(number)
  return `{"type":"response.create","model":"bench-model","previous_response_id":"${id}","input":[{"type":"function_call_output","call_id":"call_${number}","output":"${text}"}],"tools":[],"tool_choice":"auto","parallel_tool_calls":true,"reasoning":{"effort":"medium","summary":"auto"},"store":false,"stream":true,"include":["reasoning.encrypted_content"],"prompt_cache_key":"bench","text":{"verbosity":"medium"}}`
}

export function writeAnswer(number: number): string[] {
  const id = idOf(number)
  const said = words[number % words.length] ?? []
  const deltas = Array.from({ length: answerEvents - fixedEvents }, (_, at) => `${said[at % said.length] ?? ''} `)
  const text = deltas.join('')
  const item = `msg_${number}`
  const place = `"item_id":"${item}","output_index":0,"content_index":0`
  const part = `{"type":"output_text","text":"${text}","annotations":[]}`
  const message = `{"id":"${item}","type":"message","status":"completed","role":"assistant","content":[${part}]}`
  const response = (status: string, output: string, usage: string): string =>
    `{"id":"${id}","object":"response","created_at":1700000000,"status":"${status}","model":"bench-model","output":${output},"usage":${usage}}`
  const usage =
    '{"input_tokens":300,"input_tokens_details":{"cached_tokens":200},"output_tokens":33,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":333}'
  const events = [
    `"type":"response.created","response":${response('in_progress', '[]', 'null')}`,
    `"type":"response.in_progress","response":${response('in_progress', '[]', 'null')}`,
    `"type":"response.output_item.added","output_index":0,"item":{"id":"${item}","type":"message","status":"in_progress","role":"assistant","content":[]}`,
    ...deltas.map(delta => `"type":"response.output_text.delta",${place},"delta":"${delta}"`),
    `"type":"response.output_text.done",${place},"text":"${text}"`,
    `"type":"response.content_part.done",${place},"part":${part}`,
    `"type":"response.output_item.done","output_index":0,"item":${message}`,
    `"type":"response.completed","response":${response('completed', `[${message}]`, usage)}`,
  ]
  return events.map((event, at) => `{${event},"sequence_number":${at}}`)
}
