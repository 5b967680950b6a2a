// What reaches a provider: its own credential instead of a trial's token, the renamed model, and nothing of ours.
import type http from 'node:http'
import { expect, it } from 'vitest'
import { type Arrived, askedModel } from '../../proxy/arrived.ts'
import { attribute } from '../../proxy/attribute.ts'
import type { Route } from '../../proxy/routes.ts'
import type { ResolvedScope } from '../../proxy/scopes.ts'
import { upstreamRequest } from '../../proxy/upstream-request.ts'

const headers = [
  ['Authorization', 'Bearer tp_token'],
  ['X-Turnpike-Session', 'mine'],
  ['Content-Length', '19'],
  ['X-Other', 'kept'],
] as const
const body = Buffer.from('{"model":"public"}\n')
const request = { method: 'POST', rawTrailers: [] } as unknown as http.IncomingMessage
const response = {} as http.ServerResponse
const addressed = attribute('/v1/messages?beta=true', headers)
const arrived: Arrived = { id: '01', startedAt: 0, request, response, headers, addressed, protocol: null, body }
const trial: ResolvedScope = { scope: { kind: 'trial', id: 't' }, turn: 2, attempt: 1, ownKey: true }
const route: Route = {
  name: 'provider',
  origin: new URL('https://provider.example/base'),
  targetOf: path => `/base${path}`,
  credential: [['x-api-key', 'real']],
  headers: [['x-extra', 'yes']],
  upstreamModel: 'private-model',
  websocket: false,
}

it('replaces the credential of a trial and renames the model', () => {
  const sent = upstreamRequest(arrived, trial, route, askedModel(arrived))
  expect(sent.target).toBe('/base/v1/messages?beta=true')
  expect(sent.headers).toEqual([
    ['Host', 'provider.example'],
    ['Content-Length', '26'],
    ['X-Other', 'kept'],
    ['x-api-key', 'real'],
    ['x-extra', 'yes'],
  ])
  expect(Buffer.from(sent.body).toString()).toBe('{"model":"private-model"}\n')
  expect(sent.exchange).toMatchObject({
    id: '01',
    scope: trial.scope,
    turn: 2,
    attempt: 1,
    route: 'provider',
    path: '/v1/messages',
  })
  expect(sent.exchange.body).toBe(body)
})

it("leaves a stand-alone caller's own key alone", () => {
  const sent = upstreamRequest(arrived, { ...trial, ownKey: false }, { ...route, upstreamModel: null }, askedModel(arrived))
  expect(sent.headers).toContainEqual(['Authorization', 'Bearer tp_token'])
  expect(sent.headers.map(([name]) => name)).not.toContain('x-api-key')
  expect(sent.body).toBe(body)
})

it('refuses to rename where the model does not stand in plain bytes', () => {
  expect(() => upstreamRequest(arrived, trial, route, { model: 'public', place: null })).toThrowError(/renames public/)
})

it('renames the model where it stands in the path, and leaves the body alone', () => {
  const named = { ...arrived, addressed: attribute('/v1beta/models/public:generateContent?alt=sse&key=tp_token&x=a%20b', []) }
  const sent = upstreamRequest(named, trial, route, { model: 'public', place: null })
  expect(sent.target).toBe('/base/v1beta/models/private-model:generateContent?alt=sse&x=a%20b')
  expect(sent.body).toBe(body)
  const own = upstreamRequest(
    named,
    { ...trial, ownKey: false },
    { ...route, upstreamModel: null },
    { model: 'public', place: null },
  )
  expect(own.target).toBe('/base/v1beta/models/public:generateContent?alt=sse&key=tp_token&x=a%20b')
})
