// Names why an attempt failed, from how its agent ended, what crossed the wire and what changed on disk. Pure rules without a model: each label is a
// fact that was seen; which one counts most is the order of the list.

import type { ExecResult } from './processes.ts'

/** In order of precedence; `wrong-result` is what remains: the agent did its work and the tests say no. */
export const failureClasses = [
  'not-started',
  'budget',
  'context-overflow',
  'provider-error',
  'out-of-memory',
  'self-kill',
  'compaction-failure',
  'stuck-loop',
  'invalid-tool-call',
  'timeout',
  'crash',
  'no-edit',
  'wrong-result',
] as const
export type FailureClass = (typeof failureClasses)[number]

export interface FailureSigns {
  readonly agent: Pick<ExecResult, 'ended' | 'exit' | 'stdout' | 'stderr' | 'memoryKills'> | null
  readonly blame: 'provider' | 'budget' | null
  /** Error bodies of the attempt's refused calls, newest last. */
  readonly errorTexts: readonly string[]
  /** Text of the last answer. */
  readonly lastAnswer: string
  /** How often the last tool call of the attempt was made in a row with the same input. */
  readonly repeats: number
  /** Answered requests of the attempt with the same bytes as another one. */
  readonly sameRequests: number
  /** Whether its last tool call was of a tool that nobody had offered. */
  readonly unoffered: boolean
  /** Whether the workspace differs from what it was before the attempt; null = not known. */
  readonly changed: boolean | null
}

export interface Classified {
  readonly primary: FailureClass
  readonly labels: readonly FailureClass[]
}

/** Honest agents try a command again once or twice, and poll a few times. */
const repeatsMin = 5
const outputTailChars = 8_000

const contextWords =
  /context[_ ](length|window)|maximum context|prompt is too long|too many (input )?tokens|exceeds? the (maximum|model).{0,40}(tokens|context)|exceeds? (the )?context limit|context_length_exceeded|model_context_window_exceeded|input is too long|request[ _]too[ _]large/i
const compactionWords =
  /(compact(ion|ing)?|summari[sz](ation|ing)|compress(ion|ing)) .{0,40}(fail|error)|(fail\w*|error) .{0,20}(compact|to summari[sz]e|compress)/i
const toolWords =
  /(invalid|malformed|unknown|unrecognized) (tool|function)[ _-]?(call|name|use|input|argument)?|tool .{0,60}(not found|does not exist|is not available)|InputValidationError|failed to parse (tool|function|arguments)/i
const killWords = /\b(pkill|killall|kill\s+(-\w+\s+)*[-$\d(`])/

export function classifyFailure(signs: FailureSigns): Classified {
  const labels = failureClasses.filter(name => rules[name](signs))
  const real = labels.filter(name => name !== 'wrong-result')
  return real[0] === undefined ? { primary: 'wrong-result', labels: ['wrong-result'] } : { primary: real[0], labels: real }
}

const endedBySignal = ({ agent }: FailureSigns): boolean =>
  agent?.ended === 'exited' && (agent.exit === null || agent.exit === 137 || agent.exit === 143)

const tailOf = ({ agent }: FailureSigns): string => ((agent?.stdout ?? '') + (agent?.stderr ?? '')).slice(-outputTailChars)

const rules: Readonly<Record<FailureClass, (signs: FailureSigns) => boolean>> = {
  'not-started': ({ agent }) => agent?.ended === 'failed-to-start',
  budget: ({ blame }) => blame === 'budget',
  'context-overflow': ({ errorTexts }) => contextWords.test(errorTexts.at(-1) ?? ''),
  'provider-error': ({ blame }) => blame === 'provider',
  'out-of-memory': signs => hasFailed(signs) && (signs.agent?.memoryKills ?? 0) > 0,
  'self-kill': signs => endedBySignal(signs) && killWords.test(signs.lastAnswer),
  'compaction-failure': signs => hasFailed(signs) && compactionWords.test(tailOf(signs)),
  'stuck-loop': ({ repeats, sameRequests }) => repeats >= repeatsMin || sameRequests >= repeatsMin,
  'invalid-tool-call': signs => signs.unoffered || (hasFailed(signs) && toolWords.test(tailOf(signs))),
  timeout: ({ agent }) => agent?.ended === 'timed-out',
  crash: signs => hasFailed(signs) && signs.agent?.ended === 'exited',
  'no-edit': ({ changed }) => changed === false,
  'wrong-result': () => true,
}

const hasFailed = ({ agent }: FailureSigns): boolean => agent !== null && (agent.ended !== 'exited' || agent.exit !== 0)
