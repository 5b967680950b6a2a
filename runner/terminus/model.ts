// What the loop of `terminus` needs from a model, whatever its protocol. The files beside this one implement it with the official
// clients; none tries again by itself: patience.ts does, by the agent's own rules.

import type { Message } from './history.ts'
import type { Effort } from './settings.ts'

export interface Answer {
  readonly text: string
  /** The model ran into its output limit. */
  readonly cut: boolean
  /** Prompt and answer together, as the provider counted them; null when it did not say. */
  readonly contextTokens: number | null
}

/** Throws what the client throws, or a TurnpikeError where the answer itself is broken; patience.ts knows both. Never holds state. */
export type AskModel = (messages: readonly Message[], signal: AbortSignal) => Promise<Answer>

export interface ModelOptions {
  /** The proxy's URL with the trial's token in its path. */
  readonly baseUrl: string
  readonly token: string
  readonly model: string
  readonly temperature: number | null
  readonly reasoningEffort: Effort | null
  readonly maxThinkingTokens: number | null
  readonly maxOutputTokens: number | null
}

export const answerTimeoutMs = 900_000
