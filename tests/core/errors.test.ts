import { describe, expect, it } from 'vitest'
import { errorMeanings } from '../../core/error-meanings.ts'
import { assert, asTurnpikeError, type ErrorCode, errorCatalogue, isTurnpikeError, TurnpikeError } from '../../core/errors.ts'

describe('TurnpikeError', () => {
  it('takes hint and exit status from the catalogue', () => {
    const error = new TurnpikeError('E_PORT_IN_USE', 'port 4000 is taken')
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ code: 'E_PORT_IN_USE', exit: 69, hint: errorCatalogue.E_PORT_IN_USE.hint, details: {} })
    expect('cause' in error).toBe(false)
  })

  it('lets the thrower sharpen the hint and attach a cause and details', () => {
    const cause = new Error('EADDRINUSE')
    const error = new TurnpikeError('E_PORT_IN_USE', 'taken', { cause, hint: 'stop the other one', details: { port: 4000 } })
    expect(error).toMatchObject({ hint: 'stop the other one', details: { port: 4000 }, cause })
  })
})

describe('recognising errors', () => {
  it('goes by code, not by class', () => {
    const like = (code: string) => Object.assign(new Error('from another copy'), { code, hint: 'x', exit: 2 })
    expect(isTurnpikeError(like('E_USAGE'))).toBe(true)
    expect(isTurnpikeError(like('toString'))).toBe(false)
    expect(isTurnpikeError(like('E_NEVER'))).toBe(false)
    expect(isTurnpikeError(Object.assign(new Error('a system error'), { code: 'ENOENT' }))).toBe(false)
    expect(isTurnpikeError({ code: 'E_USAGE' })).toBe(false)
    expect(isTurnpikeError(undefined)).toBe(false)
  })

  it('calls everything we did not throw our bug', () => {
    const original = new TypeError('x is not a function')
    expect(asTurnpikeError(original)).toMatchObject({ code: 'E_BUG', exit: 70, message: 'x is not a function', cause: original })
    expect(asTurnpikeError('a thrown text')).toMatchObject({ code: 'E_BUG', message: 'a thrown text' })
    const ours = new TurnpikeError('E_USAGE', 'no')
    expect(asTurnpikeError(ours)).toBe(ours)
  })

  it('turns a failed assertion into our bug', () => {
    expect(() => assert(1 + 1 === 2, 'arithmetic')).not.toThrow()
    expect(() => assert(false, 'bytes forwarded = bytes recorded')).toThrow(
      expect.objectContaining({ code: 'E_BUG', message: 'assertion failed: bytes forwarded = bytes recorded' }),
    )
  })
})

describe('the catalogue', () => {
  it.each(Object.entries(errorCatalogue))('%s has a documented exit status, a hint and a meaning', (code, kind) => {
    expect(code).toMatch(/^E(_[A-Z]+)+$/)
    expect([1, 2, 69, 70, 130]).toContain(kind.exit)
    expect(kind.hint.length).toBeGreaterThan(10)
    expect(kind.hint).not.toMatch(/\.$/)
    const meaning = errorMeanings[code as ErrorCode]
    expect(meaning).toMatch(/\.$/)
    expect(meaning.length).toBeGreaterThan(40)
  })
})
