import { describe, expect, it } from 'vitest'
import { TurnpikeError } from '../../../core/errors.ts'
import { protocolById } from '../../../protocols/_all.ts'
import { endsAnswer, readAsked, readStreamId, writeRefusalMessage } from '../../../proxy/websocket/message.ts'

const responses = protocolById('openai-responses')
const text = (payload: string) => ({ payload: Buffer.from(payload), binary: false })

describe('a message of the agent', () => {
  it.each([
    ['{"type":"response.create"}', true, null],
    ['{"input":[],"stream_id":"s1","type":"response.create","generate":false}', true, 's1'],
    ['{"type":"response.cancel"}', false, null],
    ['{"type":"response.processed","response_id":"resp_1"}', false, null],
    ['not JSON', false, null],
    ['["response.create"]', false, null],
    ['', false, null],
  ])('%s', (payload, wantsAnswer, streamId) => {
    expect(readAsked(text(payload), responses)).toEqual({ wantsAnswer, streamId })
  })

  it('always asks for an answer where no protocol says what it means', () => {
    expect(readAsked(text('anything'), null)).toEqual({ wantsAnswer: true, streamId: null })
  })
})

describe('a message of the provider', () => {
  it.each([
    ['{"type":"x","stream_id":"s1"}', 's1'],
    ['{"type":"x","delta":"\\"stream_id\\""}', null],
    ['{"type":"x","response":{"stream_id":"inner"}}', null],
    ['{"stream_id"', null],
  ])('%s belongs to stream %s', (payload, streamId) => {
    expect(readStreamId(text(payload))).toBe(streamId)
  })

  it.each([
    ['{"type":"response.completed","response":{}}', true],
    ['{"type":"response.failed","response":{}}', true],
    ['{"type":"error","status":400,"error":{}}', true],
    ['{"type":"response.output_text.delta","delta":"\\"type\\":\\"response.completed\\""}', false],
    ['{"type":"codex.rate_limits"}', false],
  ])('%s: ends the answer: %s', (payload, ends) => {
    expect(responses === null ? null : endsAnswer(text(payload), responses)).toBe(ends)
  })
})

it('a refusal is an error event with the status and headers of a plain answer', () => {
  const { status, message } = writeRefusalMessage(responses, new TurnpikeError('E_RECORD_FAILED', 'disk full'), 's1')
  expect(status).toBe(503)
  expect(message.binary).toBe(false)
  expect(JSON.parse(message.payload.toString())).toMatchObject({
    type: 'error',
    stream_id: 's1',
    status: 503,
    error: { code: 'E_RECORD_FAILED', message: expect.stringContaining('disk full') },
    headers: { 'x-turnpike-error': 'E_RECORD_FAILED', 'retry-after': '1' },
  })
  expect(responses === null ? null : endsAnswer(message, responses)).toBe(true)
})
