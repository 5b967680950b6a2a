// The request as its upstream gets it: target, headers with the right credential, body with the model the route asks for. Pure.
// Never lets a trial's token or an attribution header reach a provider.

import { TurnpikeError } from '../core/errors.ts'
import type { Arrived, AskedModel } from './arrived.ts'
import { tokenPrefix } from './attribute.ts'
import type { ForwardRequest } from './forward.ts'
import { headerValue, pairHeaders, upstreamHeaders } from './headers.ts'
import { renameModel } from './model.ts'
import type { Route } from './routes.ts'
import type { ResolvedScope } from './scopes.ts'

export function upstreamRequest(arrived: Arrived, resolved: ResolvedScope, route: Route, asked: AskedModel): ForwardRequest {
  const body = rename(arrived, route, asked)
  const { path, query } = arrived.addressed
  const credentials = resolved.ownKey ? credentialsToDrop(arrived, route) : []
  const method = arrived.request.method ?? 'GET'
  const { id, headers, protocol } = arrived
  const { scope, turn, attempt } = resolved
  return {
    exchange: { id, scope, turn, attempt, protocol, route: route.name, method, path, query, headers, body: arrived.body },
    origin: route.origin,
    method,
    target: route.targetOf(path) + (query === '' ? '' : `?${query}`),
    headers: upstreamHeaders(arrived.headers, {
      host: route.origin.host,
      drop: [...credentials, 'x-turnpike-session'],
      add: [...(resolved.ownKey ? route.credential : []), ...route.headers],
      contentLength: body === arrived.body ? null : body.length,
    }),
    body,
    trailers: pairHeaders(arrived.request.rawTrailers),
    ...(route.retry === undefined ? {} : { retry: route.retry }),
    ...(route.http === undefined ? {} : { http: route.http }),
  }
}

function rename(arrived: Arrived, route: Route, asked: AskedModel): Uint8Array {
  if (route.upstreamModel === null || route.upstreamModel === asked.model) return arrived.body
  if (asked.place === null)
    throw new TurnpikeError(
      'E_BAD_REQUEST',
      `the route renames ${asked.model} to ${route.upstreamModel}, which cannot be done in this body`,
    )
  return renameModel(arrived.body, asked.place, route.upstreamModel)
}

/** A trial's agent may hold credentials of its own for an intercepted host; its token is none of them. */
function credentialsToDrop({ headers }: Arrived, route: Route): readonly string[] {
  if (route.intercepted !== true || route.credential.length > 0) return credentialHeaders
  return credentialHeaders.filter(name => headerValue(headers, name)?.includes(tokenPrefix))
}

/** What a caller may present a key in; a trial's token must never reach a provider. */
const credentialHeaders = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']
