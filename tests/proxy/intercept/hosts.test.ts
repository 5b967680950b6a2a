import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isListed, originOf, readAbsolute, readHosts, readTarget } from '../../../proxy/intercept/hosts.ts'

describe('readHosts', () => {
  it('takes names, globs and addresses between commas', () => {
    expect(readHosts(' API.example.com,*.openai.com, 10.0.0.1,[::1],')).toEqual([
      'api.example.com',
      '*.openai.com',
      '10.0.0.1',
      '::1',
    ])
  })
  it.each(['', ' , ', 'https://api.example.com', 'api.example.com:443', 'a b', 'api.example.com/path'])('refuses "%s"', text => {
    expect(() => readHosts(text)).toThrow(/--intercept takes host names/)
  })
})

it.each([
  ['api.example.com', ['api.example.com'], true],
  ['api.example.com', ['*.example.com'], true],
  ['example.com', ['*.example.com'], false],
  ['apixexample.com', ['api.example.com'], false],
  ['api.example.com.evil.org', ['*.example.com'], false],
  ['anything', ['*'], true],
  ['eu.api.example.com', ['*.example.com'], true],
])('%s in %j: %s', (host, globs, expected) => expect(isListed(host, globs)).toBe(expected))

it.each([
  ['api.example.com:443', { host: 'api.example.com', port: 443 }],
  ['API.example.com:8443', { host: 'api.example.com', port: 8443 }],
  ['[::1]:443', { host: '::1', port: 443 }],
  ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
  ['api.example.com', null],
  ['api.example.com:0', null],
  ['api.example.com:70000', null],
  ['user@host:1', null],
  ['*:443', null],
  ['[nonsense]:443', null],
  [`${'a'.repeat(300)}:443`, null],
])('CONNECT %s is for %j', (authority, target) => expect(readTarget(authority)).toEqual(target))

it('reads no target out of noise, and never throws', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      const target = readTarget(text)
      if (target !== null)
        expect(originOf('https', target).port === '' || Number(originOf('https', target).port) === target.port).toBe(true)
      readAbsolute(text)
      readAbsolute(`http://${text}`)
    }),
  )
})

it.each([
  ['http://a.example/x?y=1', 'http://a.example', '/x?y=1'],
  ['http://a.example:81', 'http://a.example:81', '/'],
  ['http://a.example?y', 'http://a.example', '/?y'],
  ['HTTP://A.example/', 'http://a.example', '/'],
])('%s asks %s for %s', (url, origin, rest) => {
  const read = readAbsolute(url)
  expect([read?.origin.origin, read?.rest]).toEqual([origin, rest])
})
it.each(['/v1/messages', 'https://a.example/', '*', 'http://', 'http://a b/'])('%s is no absolute form of ours', url => {
  expect(readAbsolute(url)).toBeNull()
})
