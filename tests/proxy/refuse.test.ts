import { describe, expect, it } from 'vitest'
import { TurnpikeError } from '../../core/errors.ts'
import { findProtocol } from '../../protocols/_all.ts'
import { rawBadRequest, writeRefusal } from '../../proxy/refuse.ts'

const anthropic = findProtocol('POST', '/v1/messages')
const chat = findProtocol('POST', '/v1/chat/completions')
const header = (refusal: ReturnType<typeof writeRefusal>, name: string) => refusal.headers.find(([key]) => key === name)?.[1]

describe('the proxy’s own answers', () => {
  it.each([
    ['E_RECORD_FAILED', 503, 'api_error'],
    ['E_TOKEN_UNKNOWN', 401, 'authentication_error'],
    ['E_MODEL_UNKNOWN', 404, 'not_found_error'],
    ['E_BODY_TOO_LARGE', 413, 'request_too_large'],
    ['E_BAD_REQUEST', 400, 'invalid_request_error'],
  ] as const)('%s is a %i in both dialects, marked as ours', (code, status, type) => {
    const error = new TurnpikeError(code, 'what happened')
    const anthropicAnswer = writeRefusal(anthropic, error)
    expect(anthropicAnswer.status).toBe(status)
    expect(header(anthropicAnswer, 'x-turnpike-error')).toBe(code)
    expect(JSON.parse(anthropicAnswer.body.toString())).toMatchObject({ type: 'error', error: { type } })
    expect(anthropicAnswer.body.toString()).toContain('what happened')
    expect(JSON.parse(writeRefusal(chat, error).body.toString())).toMatchObject({ error: { code } })
    expect(JSON.parse(writeRefusal(null, error).body.toString())).toMatchObject({ error: { code } })
  })
  it('says when to come back only where coming back helps', () => {
    expect(header(writeRefusal(chat, new TurnpikeError('E_RECORD_FAILED', 'x')), 'retry-after')).toBe('1')
    expect(header(writeRefusal(chat, new TurnpikeError('E_MODEL_UNKNOWN', 'x')), 'retry-after')).toBeUndefined()
  })
  it('is well-formed HTTP for bytes that were not', () => {
    const [head = '', body = ''] = rawBadRequest('bad "chunk"').split('\r\n\r\n')
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`)
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'E_BAD_REQUEST' } })
  })
})
