// Which provider serves a call: the models file (model pattern -> provider -> endpoint per protocol), or one upstream for all.
// Holds the keys the proxy presents in runs; they never leave this process except to their own provider.

import { readFile } from 'node:fs/promises'
import { TurnpikeError } from '../core/errors.ts'
import { compileSchema } from '../core/schema.ts'
import { didYouMean } from '../core/suggest.ts'
import type { HeaderList } from '../core/types.ts'
import { readYaml } from '../core/yaml.ts'
import type { RetryPolicy } from './forward.ts'
import { type EndpointSpec, type ModelsFile, modelsSchema, type RetrySpec, type RouteSpec } from './models-file.ts'
import type { ProviderLimits } from './rate-queue.ts'
import { type AwsSigner, awsCredentialNames, awsSecrets, readAwsSigner } from './sigv4.ts'

/** Where and how one call is forwarded. */
export interface Route {
  readonly name: string
  readonly origin: URL
  /** Path at the upstream for the caller's path. */
  readonly targetOf: (path: string) => string
  /** Header pairs that present the proxy's own key; used only for callers that hold a trial token. */
  readonly credential: HeaderList
  readonly headers: HeaderList
  /** Signs what is sent there with the proxy's AWS credentials; null: there are none, and the endpoint wants them. */
  readonly signer?: AwsSigner | null
  /** Set when the route renames the model. */
  readonly upstreamModel: string | null
  /** WebSockets are passed on; else the agent is told to send plain requests. */
  readonly websocket: boolean
  /** 2: the upstream is spoken to over HTTP/2. */
  readonly http?: 1 | 2
  /** Absent: a request is sent once. */
  readonly retry?: RetryPolicy
  /** An intercepted host: what the caller presents is its own business, unless the proxy has a key for the host. */
  readonly intercepted?: boolean
}

export interface Wanted {
  readonly model: string | null
  readonly protocol: string | null
  /** After the attribution prefix. */
  readonly path?: string
  /** The caller speaks to an Anthropic-shaped API even where no protocol claims the path (model lists, probes). */
  readonly anthropicClient: boolean
  /** The caller has no key of its own: the proxy must. */
  readonly needKey: boolean
  /** A WebSocket is asked for: where no model decides, providers that speak it come first. */
  readonly websocket?: boolean
}

export interface Routes {
  /** Throws E_MODEL_UNKNOWN or E_KEY_MISSING. */
  readonly choose: (wanted: Wanted) => Route
  /** False when the choice does not depend on the model: bodies need not be searched for it. */
  readonly needModel: boolean
  /** Header pairs with the proxy's own key for a host; none when no provider is spoken to there. */
  readonly credentialFor?: (origin: URL, protocol: string | null) => HeaderList
  /** Every key in here, for masking. */
  readonly secrets: readonly string[]
  /** By the name of the route; absent = none. */
  readonly limits?: ReadonlyMap<string, ProviderLimits>
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads a models file. Throws E_FILE_UNREADABLE or E_MODELS_INVALID. */
export async function readRoutes(file: string, env: Environment): Promise<Routes> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read the models file ${file}`, { cause: error })
  }
  return parseRoutes(text, file, env)
}

const schema = compileSchema<ModelsFile>(modelsSchema)

export function parseRoutes(text: string, file: string, env: Environment): Routes {
  const located = readYaml(text, file, { code: 'E_MODELS_INVALID' })
  const models = schema.read(located, 'E_MODELS_INVALID')
  for (const [index, route] of models.routes.entries()) {
    if (models.providers[route.provider] !== undefined) continue
    const place = located.locate(['routes', index, 'provider'])
    const near = didYouMean(route.provider, Object.keys(models.providers))
    throw new TurnpikeError(
      'E_MODELS_INVALID',
      `${file}:${place.line}:${place.column}: there is no provider "${route.provider}"${near}`,
    )
  }
  const secrets = Object.values(models.providers).flatMap(provider =>
    provider.key_env === undefined ? [] : [env[provider.key_env] ?? ''],
  )
  return {
    choose: wanted => chooseRoute(models, file, env, wanted),
    needModel: true,
    credentialFor: (origin, protocol) => findCredential(models, env, origin, protocol),
    secrets: [...secrets.filter(secret => secret !== ''), ...(signs(models) ? awsSecrets(env) : [])],
    limits: readLimits(models),
  }
}

function findCredential(models: ModelsFile, env: Environment, origin: URL, protocol: string | null): HeaderList {
  const here = Object.values(models.providers).flatMap(provider =>
    Object.entries(provider.endpoints)
      .filter(([, endpoint]) => new URL(endpoint.base_url).origin === origin.origin)
      .map(([id, endpoint]) => ({ id, endpoint, key: provider.key_env === undefined ? undefined : env[provider.key_env] })),
  )
  const found = here.find(({ id }) => id === protocol) ?? here[0]
  return found?.key ? writeCredential(found.endpoint.auth ?? 'bearer', found.key) : []
}

function signs(models: ModelsFile): boolean {
  return Object.values(models.providers).some(({ endpoints }) => Object.values(endpoints).some(({ auth }) => auth === 'sigv4'))
}

function readLimits(models: ModelsFile): ReadonlyMap<string, ProviderLimits> {
  const limited = Object.entries(models.providers).flatMap(([name, { limits }]) => (limits ? [{ name, limits }] : []))
  return new Map(
    limited.map(({ name, limits }) => {
      const { requests_per_minute = null, tokens_per_minute = null, concurrent = null } = limits
      return [name, { requestsPerMinute: requests_per_minute, tokensPerMinute: tokens_per_minute, concurrent }]
    }),
  )
}

function chooseRoute(models: ModelsFile, file: string, env: Environment, wanted: Wanted): Route {
  const candidates = wanted.model === null ? defaultRoutes(models, wanted) : models.routes.filter(route => matches(route, wanted))
  if (candidates.length === 0)
    throw new TurnpikeError('E_MODEL_UNKNOWN', `no route for the model "${wanted.model}" in ${file}`, {
      details: { model: wanted.model },
    })
  for (const route of candidates) {
    const endpoint = findEndpoint(models, route, wanted)
    if (endpoint !== null) return makeRoute(models, route, endpoint, env, wanted)
  }
  const served = candidates.map(
    route => `${route.provider} (${Object.keys(models.providers[route.provider]?.endpoints ?? {}).join(', ')})`,
  )
  throw new TurnpikeError(
    'E_MODEL_UNKNOWN',
    `the model "${wanted.model}" is served by ${served.join(', ')}, not over ${wanted.protocol}`,
    {
      hint: `use an agent that speaks one of these protocols, or add an endpoint for ${wanted.protocol} to ${file}`,
    },
  )
}

function matches(route: RouteSpec, { model, path }: Wanted): boolean {
  if (route.path !== undefined && matchModel(route.path, path ?? '') === null) return false
  return matchModel(route.model, model ?? '') !== null
}

/** A call that names no model (a model list, a probe) goes to the first provider that speaks the caller's protocol. */
function defaultRoutes(models: ModelsFile, wanted: Wanted): RouteSpec[] {
  const routes = Object.keys(models.providers).map(provider => ({ model: '*', provider }))
  if (wanted.websocket !== true) return routes
  const speaks = (route: RouteSpec): boolean => findEndpoint(models, route, wanted)?.websocket === true
  return [...routes.filter(speaks), ...routes.filter(route => !speaks(route))]
}

function findEndpoint(models: ModelsFile, route: RouteSpec, wanted: Wanted): EndpointSpec | null {
  const endpoints = models.providers[route.provider]?.endpoints ?? {}
  if (wanted.protocol !== null) return endpoints[wanted.protocol] ?? null
  if (wanted.anthropicClient) return endpoints['anthropic-messages'] ?? null
  return endpoints['openai-chat'] ?? (wanted.model === null ? null : (Object.values(endpoints)[0] ?? null))
}

function makeRoute(models: ModelsFile, route: RouteSpec, endpoint: EndpointSpec, env: Environment, wanted: Wanted): Route {
  const provider = models.providers[route.provider]
  const keyEnv = provider?.key_env
  const key = keyEnv === undefined ? undefined : env[keyEnv]
  const base = new URL(endpoint.base_url)
  // A bearer token comes first: it was made for this alone.
  const signer = endpoint.auth === 'sigv4' && !key ? readAwsSigner(env, base) : undefined
  if (wanted.needKey && ((keyEnv !== undefined && !key && !signer) || signer === null)) {
    const names = [...(keyEnv === undefined ? [] : [keyEnv]), ...(signer === null ? [awsCredentialNames] : [])].join(', or ')
    throw new TurnpikeError(
      'E_KEY_MISSING',
      `the provider ${route.provider} needs a key: ${names} is not set in the proxy's environment`,
    )
  }
  const basePath = base.pathname.replace(/\/$/, '')
  const strip = endpoint.strip_prefix ?? ''
  return {
    name: route.provider,
    origin: base,
    targetOf: path => basePath + (strip !== '' && path.startsWith(strip) ? path.slice(strip.length) : path),
    credential: key === undefined ? [] : writeCredential(endpoint.auth ?? 'bearer', key),
    headers: Object.entries(endpoint.headers ?? {}),
    ...(signer === undefined ? {} : { signer }),
    upstreamModel: wanted.model === null ? null : upstreamModel(route, wanted.model),
    websocket: endpoint.websocket === true,
    ...(endpoint.http === undefined ? {} : { http: endpoint.http }),
    ...readRetry(route.retry ?? provider?.retry),
  }
}

/** None by default: agents retry by themselves, and know better what to repeat. */
function readRetry(spec: RetrySpec | undefined): Pick<Route, 'retry'> {
  if (spec === undefined || spec.attempts < 2) return {}
  const backoffMs = spec.backoff_ms ?? 500
  const on = spec.on ?? [429, 500, 502, 503, 504, 529]
  return { retry: { attempts: spec.attempts, on, backoffMs, backoffMaxMs: Math.max(backoffMs, spec.max_backoff_ms ?? 30_000) } }
}

type AuthScheme = NonNullable<EndpointSpec['auth']>

export function writeCredential(auth: AuthScheme, key: string): HeaderList {
  if (auth === 'none') return []
  return auth === 'bearer' || auth === 'sigv4' ? [['authorization', `Bearer ${key}`]] : [[auth, key]]
}

/** What the pattern's star stands for, '' without a star; null when the model does not fit. */
export function matchModel(pattern: string, model: string): string | null {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === model ? '' : null
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)]
  if (model.length < head.length + tail.length || !model.startsWith(head)) return null
  if (!tail.includes('*')) return model.endsWith(tail) ? model.slice(star, model.length - tail.length) : null
  for (let end = star; end <= model.length; end++) if (matchModel(tail, model.slice(end)) !== null) return model.slice(star, end)
  return null
}

function upstreamModel(route: RouteSpec, model: string): string | null {
  if (route.upstream_model === undefined) return null
  return route.upstream_model.replace('*', matchModel(route.model, model) ?? '')
}
