import { describe, expect, it } from 'vitest'
import { findProxy, proxySecrets } from '../../cli/upstream-access.ts'

const through = (url: string, environment: Record<string, string>): string | null =>
  findProxy(new URL(url), environment)?.href ?? null
const both = { HTTPS_PROXY: 'http://secure.example:1', HTTP_PROXY: 'http://plain.example:2' }

describe('findProxy', () => {
  it.each([
    ['https://api.example/v1', both, 'http://secure.example:1/'],
    ['http://api.example/v1', both, 'http://plain.example:2/'],
    ['https://api.example', { ALL_PROXY: 'https://all.example' }, 'https://all.example/'],
    ['https://api.example', { HTTPS_PROXY: 'bare.example:3' }, 'http://bare.example:3/'],
    ['https://api.example', { ...both, https_proxy: 'http://lower.example:4' }, 'http://lower.example:4/'],
    ['https://api.example', {}, null],
    ['https://localhost:1', both, null],
    ['http://127.0.0.9:1', both, null],
    ['http://[::1]:1', both, null],
  ])('%s with %j goes through %s', (url, environment, expected) => expect(through(url, environment)).toBe(expected))

  it.each([
    ['*', true],
    ['api.example', true],
    ['.example', true],
    ['*.example', true],
    ['example', true],
    ['other.example, api.example:443', true],
    ['api.example:8443', false],
    ['pi.example', false],
    ['', false],
  ])('NO_PROXY=%s exempts https://api.example: %s', (list, exempt) => {
    expect(through('https://api.example', { ...both, NO_PROXY: list }) === null).toBe(exempt)
    expect(through('https://api.example', { ...both, no_proxy: list }) === null).toBe(exempt)
  })

  it.each([
    ['https://10.1.2.3', '10.0.0.0/8', true],
    ['https://11.1.2.3', '10.0.0.0/8', false],
    ['https://10.1.2.3', '10.1.2.3', true],
    ['https://[fd00::1]', 'fd00::1', true],
    ['https://[fd00::1]', 'fd00::/16', true],
    ['https://10.1.2.3', '10.0.0.0/99', false],
  ])('%s is exempt by %s: %s', (url, list, exempt) => expect(through(url, { ...both, NO_PROXY: list }) === null).toBe(exempt))

  it('names the variable when it holds no usable address', () => {
    expect(() => through('https://api.example', { HTTPS_PROXY: 'socks5://x:1' })).toThrow(/HTTPS_PROXY/)
  })
})

it('proxySecrets gives a password as it stands, as it is meant and as it is sent', () => {
  const pair = Buffer.from('me:p@ss').toString('base64')
  expect(proxySecrets({ https_proxy: 'http://me:p%40ss@proxy.example', HTTP_PROXY: 'http://proxy.example' })).toEqual([
    'p%40ss',
    'p@ss',
    pair,
  ])
})
