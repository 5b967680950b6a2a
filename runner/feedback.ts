// What an agent is told when the tests of a turn failed, at four levels. Pure; bounded in cases and length. Every text but that
// of `none` starts with the same sentence, so that a reader (or a scripted model) can tell a retry from a new request.

import { feedbackCasesMax, feedbackCharsMax } from '../core/limits.ts'
import type { CaseResult } from './results/case-result.ts'
import type { Verdict } from './results/verdict.ts'

export const feedbackLevels = ['none', 'minimal', 'medium', 'detailed'] as const
export type FeedbackLevel = (typeof feedbackLevels)[number]

const opening = 'The tests for this turn failed'
const closing = 'Please correct your work so that it does what was asked. The tests themselves are not visible to you.'

export interface FeedbackInput {
  readonly level: FeedbackLevel
  readonly instruction: string
  readonly verdict: Verdict
  /** False when the agent starts the attempt without memory of the one before. */
  readonly remembers: boolean
  /** Names of cases that earlier turns had already: what is new in this turn is told first. */
  readonly older?: ReadonlySet<string>
}

/** `none` sends the request again word for word: another try without a hint that the first one failed. */
export function writeFeedback(input: FeedbackInput): string {
  if (input.level === 'none') return input.instruction
  // What a test printed may hold NUL, which no argument of a process can carry: the agent could not be started with it.
  const told = `${describe(input.level, sortNewFirst(input)).replaceAll('\0', '\uFFFD')}\n\n${closing}`
  return input.remembers ? told : `${told}\n\nThe request was:\n\n${input.instruction}`
}

/** Otherwise cases that earlier turns brought could fill the bound, and what this turn asks for would never be told. */
function sortNewFirst({ verdict, older }: FeedbackInput): Verdict {
  if (older === undefined) return verdict
  const isOld = (test: CaseResult): boolean => older.has(test.name)
  return { ...verdict, tests: [...verdict.tests.filter(test => !isOld(test)), ...verdict.tests.filter(isOld)] }
}

function describe(level: 'minimal' | 'medium' | 'detailed', verdict: Verdict): string {
  if (level === 'minimal') return `${opening}.`
  const counts = `${opening}: ${verdict.testsPassed} of ${verdict.testsTotal} passed.`
  const broken = verdict.tests.filter(test => test.status === 'failed' || test.status === 'error')
  const passed = verdict.tests.filter(test => test.status === 'passed')
  if (level === 'medium')
    return keepWithin(counts, [...broken, ...passed].map(nameCase), missing => `… ${missing} more lines left out`)
  return keepWithin(counts, broken.map(describeCase), missing => `… and ${missing} more failed`, feedbackCasesMax)
}

const nameCase = (test: CaseResult): string => `${test.status === 'passed' ? 'passed' : 'FAILED'}  ${test.name}`

function describeCase(test: CaseResult): string {
  const message = test.message.trim()
  const cut = message.length > 1_500 ? `${message.slice(0, 1_500)} […]` : message
  return `FAILED  ${test.name}${cut === '' ? '' : `\n${cut.replaceAll(/^/gm, '    ')}`}`
}

/** As many cases as the bounds allow, and how many they did not. */
function keepWithin(
  head: string,
  cases: readonly string[],
  tellMissing: (missing: number) => string,
  casesMax = Infinity,
): string {
  const taken: string[] = []
  let chars = head.length
  for (const told of cases) {
    chars += told.length + 1
    if (chars > feedbackCharsMax || taken.length === casesMax) break
    taken.push(told)
  }
  const missing = cases.length - taken.length
  if (missing > 0) taken.push(tellMissing(missing))
  return [head, '', ...taken].join('\n')
}
