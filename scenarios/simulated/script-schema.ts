// The script's shape as a JSON Schema, and as the type of what was read. Shape only: what a schema cannot say (a pattern that
// does not compile, a key that does not fit the fault's kind) is checked in script.ts.

import { compileSchema } from '../../core/schema.ts'
import type { JsonObject } from '../../core/types.ts'

export type FaultKind = 'status' | 'cut' | 'stall' | 'malformed' | 'reset' | 'drip' | 'refuse_connection'

/** Which keys say something to which kind, beside `kind` and `times`. */
export const faultKeys: Readonly<Record<FaultKind, readonly string[]>> = {
  status: ['status', 'retry_after_s'],
  cut: ['after_events'],
  stall: ['after_events', 'ms'],
  malformed: ['after_events'],
  reset: [],
  drip: ['ms'],
  refuse_connection: ['ms'],
}

interface PaceText {
  readonly delay_ms?: number
  readonly chunk_chars?: number
  readonly chunk_delay_ms?: number
}

export interface ScriptText {
  readonly version: 1
  readonly models?: readonly string[]
  readonly defaults?: PaceText
  readonly rules?: ReadonlyArray<{
    readonly when?: { readonly user?: string; readonly feedback?: boolean; readonly model?: string; readonly nth?: number }
    readonly steps: readonly StepText[]
  }>
}

interface StepText extends PaceText {
  readonly thinking?: string
  readonly text?: string
  readonly shell?: string
  readonly tools?: ReadonlyArray<{ readonly name: string; readonly input: JsonObject | string }>
  readonly stop?: 'end_turn' | 'tool_use' | 'max_tokens' | 'stop_sequence' | 'refusal'
  readonly usage?: {
    readonly input?: number
    readonly cached_read?: number
    readonly cached_write?: number
    readonly output?: number
  }
  readonly fault?: {
    readonly kind: FaultKind
    readonly status?: number
    readonly retry_after_s?: number
    readonly after_events?: number
    readonly ms?: number
    readonly times?: number
  }
}

const text = { type: 'string', minLength: 1 }
const count = { type: 'integer', minimum: 0 }
const positive = { type: 'integer', minimum: 1 }
/** Longer than any client waits; a typing slip in a delay should not look like a hang. */
const ms = { type: 'integer', minimum: 0, maximum: 3_600_000 }
const pace = { delay_ms: ms, chunk_chars: positive, chunk_delay_ms: ms }

function mapping(properties: JsonObject, required: readonly string[] = []): JsonObject {
  return { type: 'object', additionalProperties: false, properties, required }
}

const fault = mapping(
  {
    kind: { enum: Object.keys(faultKeys) },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    retry_after_s: count,
    after_events: count,
    ms,
    times: positive,
  },
  ['kind'],
)

const step = mapping({
  thinking: text,
  text,
  shell: text,
  tools: { type: 'array', minItems: 1, items: mapping({ name: text, input: { type: ['object', 'string'] } }, ['name', 'input']) },
  stop: { enum: ['end_turn', 'tool_use', 'max_tokens', 'stop_sequence', 'refusal'] },
  usage: mapping({ input: count, cached_read: count, cached_write: count, output: count }),
  fault,
  ...pace,
})

const rule = mapping(
  {
    when: mapping({ user: text, feedback: { type: 'boolean' }, model: text, nth: positive }),
    steps: { type: 'array', minItems: 1, items: step },
  },
  ['steps'],
)

export const scriptSchema = compileSchema<ScriptText>(
  mapping(
    {
      version: { const: 1 },
      models: { type: 'array', minItems: 1, items: text },
      defaults: mapping(pace),
      rules: { type: 'array', items: rule },
    },
    ['version'],
  ),
)
