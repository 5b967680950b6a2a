import { describe, expect, it } from 'vitest'
import { describeError } from '../../core/error-text.ts'
import { asTurnpikeError, type ErrorCode, errorCatalogue, TurnpikeError } from '../../core/errors.ts'

describe('describeError', () => {
  it('prints what, why and what to try', () => {
    const deep = new Error('disk I/O error', { cause: new Error('ENOSPC') })
    const error = new TurnpikeError('E_RECORD_FAILED', 'cannot write exchange 01ABC', { cause: deep, hint: 'free some space' })
    expect(describeError(error).split('\n')).toEqual([
      'error E_RECORD_FAILED: cannot write exchange 01ABC',
      '  why: disk I/O error: ENOSPC',
      '  try: free some space',
    ])
  })

  it('says what the code means when there is no cause, or when it only repeats the message', () => {
    expect(describeError(new TurnpikeError('E_USAGE', 'bad')).split('\n')).toEqual([
      'error E_USAGE: bad',
      '  why: A command, option or argument does not exist, is missing or does not fit the others.',
      '  try: run the command with --help',
    ])
    expect(describeError(asTurnpikeError(new Error('boom'))).split('\n')).toHaveLength(3)
  })

  it('is three lines for every code there is', () => {
    for (const code of Object.keys(errorCatalogue) as ErrorCode[])
      expect(describeError(new TurnpikeError(code, 'x')).split('\n')).toHaveLength(3)
  })

  it('does not hang on causes that form a ring', () => {
    const ring = new Error('ring')
    ring.cause = ring
    expect(describeError(new TurnpikeError('E_BUG', 'x', { cause: ring }))).toContain('why: ring')
  })
})
