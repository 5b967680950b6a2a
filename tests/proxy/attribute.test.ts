import { describe, expect, it } from 'vitest'
import { attribute } from '../../proxy/attribute.ts'

describe('whose request it is', () => {
  it('takes a trial token from the path and removes the prefix, keeping the query', () => {
    expect(attribute('/t/tp_abc/v1/messages?beta=true', [])).toEqual({
      attribution: { kind: 'token', token: 'tp_abc' },
      path: '/v1/messages',
      query: 'beta=true',
    })
  })
  it('takes a session name from the path, and the agent session beside it', () => {
    const { attribution, path } = attribute('/s/demo', [['X-Claude-Code-Session-Id', 'abc-1']])
    expect(attribution).toEqual({ kind: 'session', name: 'demo', source: 'path', agentSession: 'abc-1' })
    expect(path).toBe('/')
  })
  it.each([
    ['x-api-key', 'tp_secret'],
    ['Authorization', 'Bearer tp_secret'],
    ['x-goog-api-key', 'tp_secret'],
  ])('takes a trial token presented as key in %s', (name, value) => {
    expect(attribute('/v1/messages', [[name, value]]).attribution).toEqual({ kind: 'token', token: 'tp_secret' })
  })
  it('does not take a provider key for a token', () => {
    expect(attribute('/v1/messages', [['x-api-key', 'sk-ant-1']]).attribution).toMatchObject({
      kind: 'session',
      name: 'default',
      source: 'default',
    })
  })
  it.each([
    ['x-claude-code-session-id', '7f3c'],
    ['session-id', 'codex-1'],
    ['x-session-id', 'ses_1'],
    ['x-grok-session-id', 'g1'],
  ])("uses the agent's own session header %s", (name, value) => {
    expect(attribute('/v1/messages', [[name, value]]).attribution).toMatchObject({
      kind: 'session',
      name: value,
      source: 'header',
    })
  })
  it("counts a sub-agent's session as its parent's", () => {
    const headers = [
      ['x-session-id', 'child'],
      ['x-parent-session-id', 'parent'],
    ] as const
    expect(attribute('/v1/messages', headers).attribution).toMatchObject({ name: 'parent' })
  })
  it("counts a marked side call's session as the conversation's", () => {
    const named = (value: string) => attribute('/v1/messages', [['x-session-id', value]]).attribution
    expect(named('title-ses_e0a1')).toMatchObject({ name: 'ses_e0a1', agentSession: 'ses_e0a1' })
    expect(named('title-of-mine')).toMatchObject({ name: 'title-of-mine' })
  })
  it.each(['/s//v1/messages', '/s/..%2f/v1', '/s/%zz/v1', `/s/${'x'.repeat(200)}/v1`])(
    'refuses the unusable session name in %s',
    url => {
      expect(attribute(url, []).attribution.kind).toBe('invalid')
    },
  )
  it('leaves paths alone that only look like a prefix', () => {
    expect(attribute('/v1/t/x', []).path).toBe('/v1/t/x')
    expect(attribute('/tokens', []).path).toBe('/tokens')
  })
})
