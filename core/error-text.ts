// An error as a person at a terminal reads it: three lines, never a stack. Pure; cli/ prints it.

import { errorMeanings } from './error-meanings.ts'
import type { TurnpikeError } from './errors.ts'

/** The three lines a person sees: what, why, what to try. */
export function describeError(error: TurnpikeError): string {
  const why = causeChain(error) || firstSentence(errorMeanings[error.code])
  return `error ${error.code}: ${error.message}\n  why: ${why}\n  try: ${error.hint}`
}

function causeChain(error: TurnpikeError): string {
  const reasons: string[] = []
  for (
    let cause: unknown = error.cause;
    cause !== undefined && reasons.length < 5;
    cause = cause instanceof Error ? cause.cause : undefined
  )
    reasons.push(cause instanceof Error ? cause.message : String(cause))
  return reasons.filter(reason => reason !== error.message).join(': ')
}

function firstSentence(text: string): string {
  return /^.*?[^.]\.(?= |$)/.exec(text)?.[0] ?? text
}
