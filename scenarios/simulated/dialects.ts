// What differs between the providers that are simulated, beyond the message format itself (protocols/ owns that): words for
// stopping, ids, error bodies, the list of models, and how a prompt is counted. One object literal per protocol.

import type { JsonObject } from '../../core/types.ts'
import type { StreamEvent } from '../../protocols/_adapter.ts'
import type { StopReason } from './script.ts'
import { estimateMarkedPrompt, estimateUnmarkedPrompt, type PromptEstimate, type PromptMemory } from './usage.ts'

export interface ProviderError {
  readonly status: number
  readonly message: string
  readonly requestId: string
  readonly modelUnknown?: boolean
}

export interface Dialect {
  /** Id of the protocol adapter. */
  readonly protocol: string
  readonly answerIdPrefix: string
  readonly callIdPrefix: string
  readonly requestIdHeader: string
  readonly stopWords: Readonly<Record<StopReason, string>>
  /** Whether a request without max_tokens is refused. */
  readonly needsMaxTokens: boolean
  /** Whether thinking carries a signature. */
  readonly signsThinking: boolean
  /** Whether the provider reports what it wrote to its cache. */
  readonly reportsCacheWrites: boolean
  readonly estimatePrompt: (body: JsonObject, memory: PromptMemory) => PromptEstimate
  /** Event that only says the stream is alive, sent after the first one; it must never be taken for content. */
  readonly ping: StreamEvent | null
  /** Whether this streamed request is told its usage. */
  readonly streamsUsage: (body: JsonObject) => boolean
  /** The provider's own error body. */
  readonly writeError: (error: ProviderError) => JsonObject
  readonly writeModel: (id: string) => JsonObject
  readonly writeModels: (ids: readonly string[]) => JsonObject
}

/** Simulated models were made at no time; both providers' clients want a date. */
const madeAt = '2026-01-01T00:00:00Z'

const anthropicErrors: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

export const anthropicDialect: Dialect = {
  protocol: 'anthropic-messages',
  answerIdPrefix: 'msg_simulated_',
  callIdPrefix: 'toolu_',
  requestIdHeader: 'request-id',
  stopWords: {
    end_turn: 'end_turn',
    tool_use: 'tool_use',
    max_tokens: 'max_tokens',
    stop_sequence: 'stop_sequence',
    refusal: 'refusal',
  },
  needsMaxTokens: true,
  signsThinking: true,
  reportsCacheWrites: true,
  estimatePrompt: estimateMarkedPrompt,
  ping: { event: 'ping', data: '{"type":"ping"}' },
  streamsUsage: () => true,
  writeError: ({ status, message, requestId }) => ({
    type: 'error',
    error: { type: anthropicErrors[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error'), message },
    request_id: requestId,
  }),
  writeModel: id => ({ type: 'model', id, display_name: `${id} (simulated)`, created_at: madeAt }),
  writeModels: ids => ({
    data: ids.map(id => anthropicDialect.writeModel(id)),
    has_more: false,
    first_id: ids[0] ?? null,
    last_id: ids.at(-1) ?? null,
  }),
}

/** Status: [type, code]. */
const openaiErrors: Readonly<Record<number, readonly [string, string | null]>> = {
  401: ['invalid_request_error', 'invalid_api_key'],
  429: ['requests', 'rate_limit_exceeded'],
}

export const openaiDialect: Dialect = {
  protocol: 'openai-chat',
  answerIdPrefix: 'chatcmpl-simulated-',
  callIdPrefix: 'call_',
  requestIdHeader: 'x-request-id',
  stopWords: {
    end_turn: 'stop',
    tool_use: 'tool_calls',
    max_tokens: 'length',
    stop_sequence: 'stop',
    refusal: 'content_filter',
  },
  needsMaxTokens: false,
  signsThinking: false,
  reportsCacheWrites: false,
  estimatePrompt: estimateUnmarkedPrompt,
  ping: null,
  streamsUsage: body => {
    const options = body['stream_options']
    return typeof options === 'object' && options !== null && 'include_usage' in options && options['include_usage'] === true
  },
  writeError: ({ status, message, modelUnknown = false }) => {
    const [type, code] = openaiErrors[status] ?? [status < 500 ? 'invalid_request_error' : 'server_error', null]
    return { error: { message, type, param: null, code: modelUnknown ? 'model_not_found' : code } }
  },
  writeModel: id => ({ id, object: 'model', created: Date.parse(madeAt) / 1000, owned_by: 'turnpike-simulated' }),
  writeModels: ids => ({ object: 'list', data: ids.map(id => openaiDialect.writeModel(id)) }),
}

/** The dialect of a call's protocol, or of the client that asked for something else. */
export function chooseDialect(protocol: string | null, headers: Readonly<Record<string, unknown>>, path: string): Dialect {
  if (protocol !== null) return protocol === anthropicDialect.protocol ? anthropicDialect : openaiDialect
  const anthropic = 'anthropic-version' in headers || 'x-api-key' in headers || /\/messages(?:\/|$)/.test(path)
  return anthropic ? anthropicDialect : openaiDialect
}
