// The script of the simulated provider: what it answers to which instruction, as a person writes it (YAML or JSON), checked.
// docs/simulated-provider.md documents every key. Reading it never starts anything; brain.ts decides by it.

import { readFile } from 'node:fs/promises'
import { TurnpikeError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import type { JsonObject } from '../../core/types.ts'
import { type DataPath, type LocatedData, readYaml } from '../../core/yaml.ts'
import { type FaultKind, faultKeys, type ScriptText, scriptSchema } from './script-schema.ts'

export interface SimulatedScript {
  /** Names the server knows; null = any model name is answered. */
  readonly models: readonly string[] | null
  readonly pace: Pace
  /** In order; the first that matches the newest instruction wins. */
  readonly rules: readonly Rule[]
}

/** How an answer is sent. */
export interface Pace {
  /** Silence before the first byte. */
  readonly delayMs: number
  /** Text per streamed event. */
  readonly chunkChars: number
  /** Silence before each streamed event. */
  readonly chunkDelayMs: number
}

export interface Rule {
  readonly when: {
    readonly user: RegExp | null
    /** true: only a retry after failed tests; false: only a first try; null: both. */
    readonly feedback: boolean | null
    readonly model: RegExp | null
    /** Only the n-th instruction of the conversation that fits the rule's other conditions. */
    readonly nth: number | null
  }
  readonly steps: readonly Step[]
}

export interface Step {
  readonly thinking: string | null
  readonly text: string | null
  readonly shell: string | null
  /** Text is for tools that take free text; all others take an object. */
  readonly tools: ReadonlyArray<{ readonly name: string; readonly input: JsonObject | string }>
  readonly stop: StopReason | null
  readonly usage: UsageOverride | null
  readonly pace: Partial<Pace>
  readonly fault: Fault | null
}

/** The provider's word is chosen by protocol. */
export type StopReason = 'end_turn' | 'tool_use' | 'max_tokens' | 'stop_sequence' | 'refusal'

export interface UsageOverride {
  readonly input: number | null
  readonly cachedRead: number | null
  readonly cachedWrite: number | null
  readonly output: number | null
}

export interface Fault {
  readonly kind: FaultKind
  readonly status: number
  readonly retryAfterS: number | null
  /** Streamed events that pass before the fault; of a JSON answer, half the bytes pass when this is above 0. */
  readonly afterEvents: number
  /** How long a stall, a refusal or the pause between dripped bytes lasts. */
  readonly ms: number
  /** How often it strikes, counted per server and step; after that the step is answered properly. */
  readonly times: number
}

export const defaultPace: Pace = { delayMs: 0, chunkChars: 24, chunkDelayMs: 0 }

/** The script in a file. E_FILE_UNREADABLE, or E_SCRIPT_INVALID naming file, line, column and key. */
export async function readScript(file: string): Promise<SimulatedScript> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot read the script ${file}`, { cause, details: { file } })
  }
  return parseScript(text, file)
}

/** The script in a text; `file` is how messages name it. */
export function parseScript(text: string, file: string): SimulatedScript {
  const data = readYaml(text, file, { code: 'E_SCRIPT_INVALID' })
  const script = scriptSchema.read(data, 'E_SCRIPT_INVALID')
  return {
    models: script.models ?? null,
    pace: { ...defaultPace, ...readPace(script.defaults ?? {}) },
    rules: (script.rules ?? []).map((rule, index) => readRule(rule, data, ['rules', index])),
  }
}

type RuleText = NonNullable<ScriptText['rules']>[number]
type StepText = RuleText['steps'][number]

function readRule(rule: RuleText, data: LocatedData, path: DataPath): Rule {
  const when = rule.when ?? {}
  return {
    when: {
      user: when.user === undefined ? null : readPattern(when.user, data, [...path, 'when', 'user']),
      feedback: when.feedback ?? null,
      model: when.model === undefined ? null : readPattern(when.model, data, [...path, 'when', 'model']),
      nth: when.nth ?? null,
    },
    steps: rule.steps.map((step, index) => readStep(step, data, [...path, 'steps', index])),
  }
}

function readStep(step: StepText, data: LocatedData, path: DataPath): Step {
  const usage = step.usage
  return {
    thinking: step.thinking ?? null,
    text: step.text ?? null,
    shell: step.shell ?? null,
    tools: step.tools ?? [],
    stop: step.stop ?? null,
    usage: usage
      ? {
          input: usage.input ?? null,
          cachedRead: usage.cached_read ?? null,
          cachedWrite: usage.cached_write ?? null,
          output: usage.output ?? null,
        }
      : null,
    pace: readPace(step),
    fault: step.fault ? readFault(step.fault, data, [...path, 'fault']) : null,
  }
}

function readPace(keys: { delay_ms?: number; chunk_chars?: number; chunk_delay_ms?: number }): Partial<Pace> {
  return {
    ...(keys.delay_ms === undefined ? {} : { delayMs: keys.delay_ms }),
    ...(keys.chunk_chars === undefined ? {} : { chunkChars: keys.chunk_chars }),
    ...(keys.chunk_delay_ms === undefined ? {} : { chunkDelayMs: keys.chunk_delay_ms }),
  }
}

function readFault(fault: NonNullable<StepText['fault']>, data: LocatedData, path: DataPath): Fault {
  const known = ['kind', 'times', ...faultKeys[fault.kind]]
  for (const key of Object.keys(fault)) {
    if (known.includes(key)) continue
    const near = didYouMean(key, known)
    throw scriptError(data, [...path, key], 'key', `"${key}" means nothing to a fault of kind "${fault.kind}"${near}`)
  }
  return {
    kind: fault.kind,
    status: fault.status ?? 500,
    retryAfterS: fault.retry_after_s ?? null,
    afterEvents: fault.after_events ?? 1,
    ms: fault.ms ?? (fault.kind === 'drip' ? 0 : 1_000),
    times: fault.times ?? 1,
  }
}

function readPattern(text: string, data: LocatedData, path: DataPath): RegExp {
  try {
    return new RegExp(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw scriptError(data, path, 'value', `"${String(path.at(-1))}" is not a regular expression: ${reason}`)
  }
}

function scriptError(data: LocatedData, path: DataPath, part: 'key' | 'value', message: string): TurnpikeError {
  const { line, column } = data.locate(path, part)
  return new TurnpikeError('E_SCRIPT_INVALID', `${data.file}:${line}:${column}: ${message}`, {
    details: { file: data.file, line, column, path: [...path] },
  })
}
