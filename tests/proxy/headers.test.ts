import { describe, expect, it } from 'vitest'
import { downstreamHeaders, flattenHeaders, headerValue, pairHeaders, upstreamHeaders } from '../../proxy/headers.ts'

const unchanged = { host: 'up:1', drop: [], add: [], contentLength: null }

describe('headers on their way', () => {
  it('keep case, order and duplicates', () => {
    const raw = ['X-A', '1', 'x-a', '2', 'Accept-Encoding', 'gzip, br, zstd']
    expect(flattenHeaders(upstreamHeaders(pairHeaders(raw), unchanged))).toEqual(['Host', 'up:1', ...raw])
  })
  it('lose what belongs to one connection, and what the sender declares to', () => {
    const raw = [
      'Host',
      'proxy',
      'Connection',
      'keep-alive, X-Hop',
      'X-Hop',
      '1',
      'Keep-Alive',
      'timeout=5',
      'Expect',
      '100-continue',
      'X-Keep',
      '2',
    ]
    expect(upstreamHeaders(pairHeaders(raw), unchanged)).toEqual([
      ['Host', 'up:1'],
      ['X-Keep', '2'],
    ])
  })
  it('cannot be talked into dropping the framing by a Connection header', () => {
    const raw = ['Connection', 'content-length, transfer-encoding', 'Content-Length', '3']
    expect(headerValue(upstreamHeaders(pairHeaders(raw), unchanged), 'content-length')).toBe('3')
  })
  it('carry the proxy’s key instead of the caller’s, and a new length after a renaming', () => {
    const raw = ['X-Api-Key', 'tp_1', 'Authorization', 'Bearer tp_1', 'Content-Length', '3']
    const change = { host: 'h', drop: ['x-api-key', 'authorization'], add: [['x-api-key', 'real']] as const, contentLength: 9 }
    expect(upstreamHeaders(pairHeaders(raw), change)).toEqual([
      ['Host', 'h'],
      ['Content-Length', '9'],
      ['x-api-key', 'real'],
    ])
  })
  it('reach the agent as the upstream sent them, hop fields aside', () => {
    const raw = [
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'Retry-After',
      '7',
      'Connection',
      'close',
      'Transfer-Encoding',
      'chunked',
    ]
    expect(flattenHeaders(downstreamHeaders(pairHeaders(raw)))).toEqual([
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'Retry-After',
      '7',
      'Transfer-Encoding',
      'chunked',
    ])
  })
})
