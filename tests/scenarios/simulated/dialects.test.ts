import { describe, expect, it } from 'vitest'
import { anthropicDialect } from '../../../scenarios/simulated/dialect-anthropic.ts'
import { openaiDialect } from '../../../scenarios/simulated/dialect-openai.ts'
import { responsesDialect } from '../../../scenarios/simulated/dialect-responses.ts'
import { chooseDialect } from '../../../scenarios/simulated/dialects.ts'

describe('error bodies', () => {
  it.each([
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [413, 'request_too_large'],
    [418, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [503, 'api_error'],
    [529, 'overloaded_error'],
  ])('Anthropic says %i in its word', (status, type) => {
    const body = anthropicDialect.writeError({ status, message: 'why', requestId: 'req_1' })
    expect(body).toEqual({ type: 'error', error: { type, message: 'why' }, request_id: 'req_1' })
  })

  it.each([
    [400, 'invalid_request_error', null],
    [401, 'invalid_request_error', 'invalid_api_key'],
    [429, 'requests', 'rate_limit_exceeded'],
    [500, 'server_error', null],
  ])('OpenAI says %i in its words', (status, type, code) => {
    for (const dialect of [openaiDialect, responsesDialect]) {
      const body = dialect.writeError({ status, message: 'why', requestId: 'req_1' })
      expect(body).toEqual({ error: { message: 'why', type, param: null, code } })
    }
  })
})

describe('chooseDialect', () => {
  it.each([
    ['a protocol decides', 'openai-chat', { 'x-api-key': 'k' }, '/v1/messages', 'openai-chat'],
    ['the protocol of Codex', 'openai-responses', {}, '/v1/responses', 'openai-responses'],
    ['else the version header', null, { 'anthropic-version': '1' }, '/', 'anthropic-messages'],
    ['else the key header', null, { 'x-api-key': 'k' }, '/v1/models', 'anthropic-messages'],
    ['else the path', null, {}, '/v1/messages/count_tokens', 'anthropic-messages'],
    ['else OpenAI', null, { authorization: 'Bearer k' }, '/v1/models', 'openai-chat'],
  ])('%s', (_what, protocol, headers, path, expected) => {
    expect(chooseDialect(protocol, headers, path).protocol).toBe(expected)
  })
})
