// Errors on their way from the writer thread: structured clone would lose their code.

import { TurnpikeError } from '../core/errors.ts'
import type { FailureText } from './writer-messages.ts'

export function writeFailure(error: TurnpikeError): FailureText {
  const { code, message, hint, cause } = error
  const causeCode = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return { code, message, hint, cause: cause instanceof Error ? { message: cause.message, code: causeCode } : null }
}

export function readFailure({ code, message, hint, cause }: FailureText): TurnpikeError {
  if (cause === null) return new TurnpikeError(code, message, { hint })
  return new TurnpikeError(code, message, { hint, cause: Object.assign(new Error(cause.message), { code: cause.code }) })
}
