// The request as its upstream gets it: target, headers with the right credential, body with the model the route asks for. Pure.
// Never lets a trial's token or an attribution header reach a provider.

import { TurnpikeError } from '../core/errors.ts'
import type { HeaderList } from '../core/types.ts'
import type { Arrived, AskedModel } from './arrived.ts'
import { tokenPrefix } from './attribute.ts'
import type { ForwardRequest } from './forward.ts'
import { headerValue, pairHeaders, upstreamHeaders } from './headers.ts'
import { findModelInPath, renameModel, renameModelInPath } from './model.ts'
import type { Route } from './routes.ts'
import type { ResolvedScope } from './scopes.ts'
import { type AwsSigner, awsCredentialNames, isSigned } from './sigv4.ts'

export function upstreamRequest(arrived: Arrived, resolved: ResolvedScope, route: Route, asked: AskedModel): ForwardRequest {
  const body = rename(arrived, route, asked)
  const { path } = arrived.addressed
  const query = resolved.ownKey ? queryFor(arrived.addressed.query, route) : arrived.addressed.query
  const asksElsewhere = route.upstreamModel !== null && route.upstreamModel !== asked.model
  const upstreamPath = asksElsewhere ? renameModelInPath(path, route.upstreamModel ?? '') : path
  const signer = signerOf(arrived, resolved, route)
  const credentials = resolved.ownKey ? credentialsToDrop(arrived.headers, route) : []
  const method = arrived.request.method ?? 'GET'
  const { id, headers, protocol } = arrived
  const { scope, turn, attempt } = resolved
  return {
    exchange: {
      id,
      scope,
      turn,
      attempt,
      protocol,
      route: route.name,
      method,
      path,
      query: arrived.addressed.query,
      headers,
      body: arrived.body,
    },
    origin: route.origin,
    method,
    target: route.targetOf(upstreamPath) + (query === '' ? '' : `?${query}`),
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
    ...(signer === null ? {} : { signer }),
  }
}

/** A trial's call is signed; so is a stand-alone caller's that was signed for the proxy's address instead of the provider's. */
function signerOf({ headers }: Arrived, { ownKey }: ResolvedScope, route: Route): AwsSigner | null {
  if (ownKey) return route.signer ?? null
  if (route.signer === undefined || !isSigned(headers)) return null
  if (route.signer !== null) return route.signer
  throw new TurnpikeError(
    'E_KEY_MISSING',
    `the request is signed for this proxy's address, and ${route.origin.host} would refuse that signature: ${awsCredentialNames} are not set in the proxy's environment, so it cannot be signed anew`,
    { hint: 'give the proxy AWS credentials, or let the agent use a Bedrock API key (AWS_BEARER_TOKEN_BEDROCK)' },
  )
}

function rename(arrived: Arrived, route: Route, asked: AskedModel): Uint8Array {
  if (route.upstreamModel === null || route.upstreamModel === asked.model) return arrived.body
  if (asked.place === null && findModelInPath(arrived.addressed.path) !== null) return arrived.body
  if (asked.place === null)
    throw new TurnpikeError(
      'E_BAD_REQUEST',
      `the route renames ${asked.model} to ${route.upstreamModel}, which cannot be done in this body`,
    )
  return renameModel(arrived.body, asked.place, route.upstreamModel)
}

/** A trial's agent may hold credentials of its own for an intercepted host, where the proxy has none; its token is none of them. */
function keepsOwn(route: Route): boolean {
  return route.intercepted === true && route.credential.length === 0
}

/** Names of the fields that a trial's request loses on its way upstream. */
export function credentialsToDrop(headers: HeaderList, route: Route): readonly string[] {
  if (!keepsOwn(route)) return credentialHeaders
  return credentialHeaders.filter(name => headerValue(headers, name)?.includes(tokenPrefix))
}

/** The query of a trial's request as its upstream gets it. */
export function queryFor(query: string, route: Route): string {
  if (!keepsOwn(route)) return dropKeys(query)
  return query.includes(tokenPrefix) ? dropKeys(query) : query
}

/** A key in the query, as some clients of Gemini send it; the other parameters stay as they were spelled. */
export function dropKeys(query: string): string {
  const kept = query.split('&').filter(part => !/^(?:key|api_key|access_token)=/i.test(part))
  return kept.join('&')
}

/** What a caller may present a key in; a trial's token must never reach a provider. */
const credentialHeaders = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key', 'x-amz-security-token']
