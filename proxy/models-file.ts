// The shape of a models file (configs/models.yaml): its types and its JSON Schema, side by side. Data only.

import type { JsonSchema } from '../core/schema.ts'

export interface ModelsFile {
  readonly version: 1
  readonly providers: Readonly<Record<string, ProviderSpec>>
  /** The first whose pattern fits, and whose provider speaks the caller's protocol, wins. */
  readonly routes: readonly RouteSpec[]
}

export interface ProviderSpec {
  /** Name of the environment variable of the proxy that holds the key. */
  readonly key_env?: string
  /** Protocol adapter id -> where it is spoken. */
  readonly endpoints: Readonly<Record<string, EndpointSpec>>
  /** Calls past these wait, for all trials and sessions together. */
  readonly limits?: LimitsSpec
  /** Sends requests again; left out: never. A route may have its own. */
  readonly retry?: RetrySpec
}

export interface LimitsSpec {
  readonly requests_per_minute?: number
  readonly tokens_per_minute?: number
  /** Calls at once. */
  readonly concurrent?: number
}

export interface RetrySpec {
  /** How often a request is sent in all. */
  readonly attempts: number
  /** Statuses; `connection`: when no answer came at all. */
  readonly on?: ReadonlyArray<number | 'connection'>
  readonly backoff_ms?: number
  /** The longest pause; when the upstream's retry-after asks for more, the agent gets the answer. */
  readonly max_backoff_ms?: number
}

export interface EndpointSpec {
  /** The caller's path is appended to it. */
  readonly base_url: string
  /** Cut from the caller's path first, for providers whose paths lack it. */
  readonly strip_prefix?: string
  /** `sigv4`: signed with the proxy's AWS credentials, unless `key_env` holds a bearer token. */
  readonly auth?: 'bearer' | 'x-api-key' | 'x-goog-api-key' | 'sigv4' | 'none'
  readonly headers?: Readonly<Record<string, string>>
  /** Whether WebSockets are passed on to it. Default false: agents that try one are told at once to send plain requests. */
  readonly websocket?: boolean
  /** Version of HTTP it is spoken to with; 1 when left out. */
  readonly http?: 1 | 2
}

export interface RouteSpec {
  /** Glob: `*` stands for any characters. */
  readonly model: string
  /** Glob over the caller's path, for providers that differ by it (Vertex AI and the Gemini API). */
  readonly path?: string
  readonly provider: string
  /** Renames the model in the request; `*` stands for what the pattern's first star matched. */
  readonly upstream_model?: string
  readonly retry?: RetrySpec
}

const endpoint = {
  type: 'object',
  additionalProperties: false,
  required: ['base_url'],
  properties: {
    base_url: { type: 'string', pattern: '^https?://' },
    strip_prefix: { type: 'string', pattern: '^/' },
    auth: { enum: ['bearer', 'x-api-key', 'x-goog-api-key', 'sigv4', 'none'] },
    headers: { type: 'object', additionalProperties: { type: 'string' } },
    websocket: { type: 'boolean' },
    http: { enum: [1, 2] },
  },
} as const

const atLeastOne = { type: 'integer', minimum: 1 } as const

const limits = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: { requests_per_minute: atLeastOne, tokens_per_minute: atLeastOne, concurrent: atLeastOne },
} as const

const retry = {
  type: 'object',
  additionalProperties: false,
  required: ['attempts'],
  properties: {
    attempts: { type: 'integer', minimum: 1, maximum: 10 },
    on: {
      type: 'array',
      minItems: 1,
      items: { anyOf: [{ type: 'integer', minimum: 400, maximum: 599 }, { const: 'connection' }] },
    },
    backoff_ms: { type: 'integer', minimum: 1, maximum: 600_000 },
    max_backoff_ms: { type: 'integer', minimum: 1, maximum: 600_000 },
  },
} as const

const provider = {
  type: 'object',
  additionalProperties: false,
  required: ['endpoints'],
  properties: {
    key_env: { type: 'string', minLength: 1 },
    endpoints: { type: 'object', minProperties: 1, additionalProperties: endpoint },
    limits,
    retry,
  },
} as const

const route = {
  type: 'object',
  additionalProperties: false,
  required: ['model', 'provider'],
  properties: {
    model: { type: 'string', minLength: 1 },
    path: { type: 'string', minLength: 1 },
    provider: { type: 'string', minLength: 1 },
    upstream_model: { type: 'string', minLength: 1 },
    retry,
  },
} as const

export const modelsSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['version', 'providers', 'routes'],
  properties: {
    version: { const: 1 },
    providers: { type: 'object', minProperties: 1, additionalProperties: provider },
    routes: { type: 'array', items: route },
  },
}
