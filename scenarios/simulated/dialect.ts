// What differs between the providers that are simulated, beyond the message format itself (protocols/ owns that): words for
// stopping, ids, error bodies, the list of models, and how a prompt is counted. One file dialect-<provider>.ts each, listed in dialects.ts.

import type { JsonObject } from '../../core/types.ts'
import type { FramingId, RequestAddress, StreamEvent } from '../../protocols/_adapter.ts'
import type { StopReason } from './script.ts'
import type { PromptEstimate, PromptMemory } from './usage.ts'

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
  readonly estimatePrompt: (body: JsonObject, memory: PromptMemory, model: string) => PromptEstimate
  /** Event that only says the stream is alive, sent after the first one; it must never be taken for content. */
  readonly ping: StreamEvent | null
  /** How this request wants its events; absent: the protocol's first framing. */
  readonly chooseFraming?: (address: RequestAddress) => FramingId
  /** Whether this streamed request is told its usage. */
  readonly streamsUsage: (body: JsonObject) => boolean
  /** The wire notes an answer to this body needs to be written as the caller expects it (an envelope). */
  readonly noteAnswer?: (body: JsonObject) => JsonObject
  /** The answer to a request to count tokens; absent: Anthropic's. */
  readonly writeCount?: (body: JsonObject) => JsonObject
  /** The provider's own error body. */
  readonly writeError: (error: ProviderError) => JsonObject
  readonly writeModel: (id: string) => JsonObject
  readonly writeModels: (ids: readonly string[]) => JsonObject
}

/** Simulated models were made at no time; both providers' clients want a date. */
export const madeAt = '2026-01-01T00:00:00Z'
