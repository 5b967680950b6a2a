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
}

export interface LimitsSpec {
  readonly requests_per_minute?: number
  readonly tokens_per_minute?: number
  /** Calls at once. */
  readonly concurrent?: number
}

export interface EndpointSpec {
  /** The caller's path is appended to it. */
  readonly base_url: string
  /** Cut from the caller's path first, for providers whose paths lack it. */
  readonly strip_prefix?: string
  readonly auth?: 'bearer' | 'x-api-key' | 'x-goog-api-key' | 'none'
  readonly headers?: Readonly<Record<string, string>>
  /** Whether WebSockets are passed on to it. Default false: agents that try one are told at once to send plain requests. */
  readonly websocket?: boolean
  /** Version of HTTP it is spoken to with; 1 when left out. */
  readonly http?: 1 | 2
}

export interface RouteSpec {
  /** Glob: `*` stands for any characters. */
  readonly model: string
  readonly provider: string
  /** Renames the model in the request; `*` stands for what the pattern's first star matched. */
  readonly upstream_model?: string
}

const endpoint = {
  type: 'object',
  additionalProperties: false,
  required: ['base_url'],
  properties: {
    base_url: { type: 'string', pattern: '^https?://' },
    strip_prefix: { type: 'string', pattern: '^/' },
    auth: { enum: ['bearer', 'x-api-key', 'x-goog-api-key', 'none'] },
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

const provider = {
  type: 'object',
  additionalProperties: false,
  required: ['endpoints'],
  properties: {
    key_env: { type: 'string', minLength: 1 },
    endpoints: { type: 'object', minProperties: 1, additionalProperties: endpoint },
    limits,
  },
} as const

const route = {
  type: 'object',
  additionalProperties: false,
  required: ['model', 'provider'],
  properties: {
    model: { type: 'string', minLength: 1 },
    provider: { type: 'string', minLength: 1 },
    upstream_model: { type: 'string', minLength: 1 },
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
