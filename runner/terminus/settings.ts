// What can be set about `terminus`, with its defaults. Read twice by the same rules: before a run by the adapter, so that nothing
// starts with a wrong one, and by the program itself. Pure.

import { TurnpikeError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import { type Parser, parsers } from './parsers.ts'

export const protocols = ['anthropic-messages', 'openai-chat', 'openai-responses'] as const
export type Protocol = (typeof protocols)[number]

const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const
export type Effort = (typeof efforts)[number]

export interface Settings {
  readonly protocol: Protocol | 'auto'
  readonly parser: Parser
  /** Model calls of one request to the agent, compaction's own not counted. */
  readonly maxTurns: number
  /** null: the provider's own, for this and the next three. */
  readonly temperature: number | null
  readonly reasoningEffort: Effort | null
  readonly maxThinkingTokens: number | null
  readonly maxOutputTokens: number | null
  /** Tokens the model can hold. Larger than it is in truth, the provider's refusal sets it right. */
  readonly contextLimit: number
  readonly enableSummarize: boolean
  /** Free tokens below which the conversation is compacted before the provider refuses it. */
  readonly proactiveSummarizationThreshold: number
  readonly paneWidth: number
  readonly paneHeight: number
  readonly historyLimit: number
  /** First of the growing pauses between tries. */
  readonly retryWaitSec: number
}

export type SettingValue = string | number | boolean | null
export type GivenSettings = Readonly<Record<string, SettingValue>>

export const defaultSettings: Settings = {
  protocol: 'auto',
  parser: 'json',
  maxTurns: 1_000_000,
  temperature: null,
  reasoningEffort: null,
  maxThinkingTokens: null,
  maxOutputTokens: null,
  contextLimit: 1_000_000,
  enableSummarize: true,
  proactiveSummarizationThreshold: 8_000,
  paneWidth: 160,
  paneHeight: 40,
  historyLimit: 100_000,
  retryWaitSec: 4,
}

type Check = (value: SettingValue) => string | null

const oneOf =
  (words: readonly string[]): Check =>
  value =>
    words.includes(String(value)) ? null : `one of ${words.join(', ')}`
const number =
  (from: number, to: number, whole: boolean): Check =>
  value =>
    typeof value === 'number' && value >= from && value <= to && (!whole || Number.isInteger(value))
      ? null
      : `a ${whole ? 'whole ' : ''}number from ${from} to ${to}`
const flag: Check = value => (typeof value === 'boolean' ? null : 'true or false')

const rules: Readonly<Record<string, { readonly field: keyof Settings; readonly check: Check }>> = {
  protocol: { field: 'protocol', check: oneOf([...protocols, 'auto']) },
  parser: { field: 'parser', check: oneOf(parsers) },
  max_turns: { field: 'maxTurns', check: number(1, 1_000_000, true) },
  temperature: { field: 'temperature', check: number(0, 2, false) },
  reasoning_effort: { field: 'reasoningEffort', check: oneOf(efforts) },
  max_thinking_tokens: { field: 'maxThinkingTokens', check: number(1_024, 1_000_000, true) },
  max_output_tokens: { field: 'maxOutputTokens', check: number(1, 1_000_000, true) },
  context_limit: { field: 'contextLimit', check: number(1_000, 100_000_000, true) },
  enable_summarize: { field: 'enableSummarize', check: flag },
  proactive_summarization_threshold: { field: 'proactiveSummarizationThreshold', check: number(0, 10_000_000, true) },
  tmux_pane_width: { field: 'paneWidth', check: number(20, 1_000, true) },
  tmux_pane_height: { field: 'paneHeight', check: number(5, 1_000, true) },
  history_limit: { field: 'historyLimit', check: number(100, 10_000_000, true) },
  retry_wait_sec: { field: 'retryWaitSec', check: number(0, 60, false) },
}

export const settingNames: readonly string[] = Object.keys(rules)

/** Complaint about the first wrong setting, or null. */
export function refuseSettings(given: GivenSettings): string | null {
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) return `has no setting "${name}"${didYouMean(name, settingNames)}`
    const expected = value === null ? null : rule.check(value)
    if (expected !== null) return `needs ${expected} for the setting ${name}, not ${JSON.stringify(value)}`
  }
  return null
}

/** null means the default. E_USAGE for what `refuseSettings` complains about. */
export function readSettings(given: GivenSettings): Settings {
  const complaint = refuseSettings(given)
  if (complaint !== null) throw new TurnpikeError('E_USAGE', `terminus ${complaint}`)
  const named = Object.entries(given).flatMap(([name, value]) => {
    const rule = rules[name]
    return rule === undefined || value === null ? [] : [[rule.field, value] as const]
  })
  return { ...defaultSettings, ...Object.fromEntries(named) }
}
