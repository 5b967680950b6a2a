// What a request asks for beside its messages, in words that belong to no protocol: the bridge between dialects when a request is
// translated. Only what both sides can say is here; the rest is left out on translation, and never leaks as a foreign field.
// A protocol reads and writes them in its own settings file; _settings-readers.ts lists the readers. Pure.

import type { Json, JsonObject } from '../core/types.ts'

export type ToolChoice = { readonly kind: 'auto' | 'required' | 'none' } | { readonly kind: 'tool'; readonly name: string }

export interface Settings {
  readonly toolChoice: ToolChoice | null
  /** null = the caller did not say. */
  readonly parallelToolCalls: boolean | null
  readonly stopSequences: readonly string[] | null
  readonly topP: number | null
  /** How hard to think, in the provider's words: `low`, `medium`, `high`. */
  readonly effort: string | null
  /** JSON Schema the answer must follow. */
  readonly outputSchema: Json
}

/** The dialect a conversation or answer was read from; null when it was made by hand. */
export function dialectOf(wire: JsonObject | undefined): string | null {
  const protocol = wire?.['protocol']
  return typeof protocol === 'string' ? protocol : null
}

/** Whether `extra` may be written as it is by this protocol. */
export function isOwn(wire: JsonObject | undefined, protocol: string): boolean {
  const dialect = dialectOf(wire)
  return dialect === null || dialect === protocol
}
