import { describe, expect, it } from 'vitest'
import { addressIntercepted, proxyUser } from '../../../proxy/intercept/caller.ts'

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

it.each([
  [basic('me:secret'), 'me'],
  [basic('tp_abc'), 'tp_abc'],
  [basic(':x'), null],
  ['Bearer abc', null],
  ['Basic !!', null],
  [null, null],
])('the user of %s is %s', (value, user) => expect(proxyUser(value)).toBe(user))

describe('addressIntercepted', () => {
  it('keeps the path as the host is asked for it', () => {
    expect(addressIntercepted('/t/x/v1?a=1?b', [], null)).toMatchObject({ path: '/t/x/v1', query: 'a=1?b' })
  })
  it.each([
    ['tp_token', { kind: 'token', token: 'tp_token' }],
    ['my-session', { kind: 'session', name: 'my-session', source: 'path' }],
    ['no good name', { kind: 'invalid' }],
    [null, { kind: 'session', name: 'agents-own', source: 'header' }],
  ])('the user %s decides before the headers do', (user, attribution) => {
    expect(addressIntercepted('/v1', [['x-session-id', 'agents-own']], user).attribution).toMatchObject(attribution)
  })
  it('the request of a single call wins over its connection', () => {
    const headers = [['Proxy-Authorization', basic('second')]] as const
    expect(addressIntercepted('/v1', headers, 'first').attribution).toMatchObject({ name: 'second' })
  })
  it('a token presented as a key is found as everywhere', () => {
    expect(addressIntercepted('/v1?key=tp_abc', [], null).attribution).toEqual({ kind: 'token', token: 'tp_abc' })
  })
})
