import { describe, expect, it } from 'vitest'
import { feedbackCharsMax } from '../../core/limits.ts'
import { type FeedbackLevel, writeFeedback } from '../../runner/feedback.ts'
import type { CaseResult } from '../../runner/results/case-result.ts'

const failed = (name: string, message = 'expected 1, got 2'): CaseResult => ({ name, status: 'failed', message })
const tests: CaseResult[] = [{ name: 'fine', status: 'passed', message: '' }, failed('wrong')]
const write = (level: FeedbackLevel, cases = tests, remembers = true): string =>
  writeFeedback({
    level,
    instruction: 'make it so',
    remembers,
    verdict: {
      passed: false,
      tests: cases,
      testsPassed: cases.filter(one => one.status === 'passed').length,
      testsTotal: cases.length,
    },
  })

describe('feedback', () => {
  it('tells nothing at none', () => expect(write('none')).toBe('make it so'))

  it('tells more with each level and starts with the same words', () => {
    const [minimal, medium, detailed] = [write('minimal'), write('medium'), write('detailed')]
    for (const text of [minimal, medium, detailed]) expect(text).toMatch(/^The tests for this turn failed/)
    expect(minimal).not.toContain('wrong')
    expect(medium).toContain('1 of 2 passed')
    expect(medium).toMatch(/FAILED {2}wrong\npassed {2}fine/)
    expect(medium).not.toContain('expected 1')
    expect(detailed).toContain('FAILED  wrong\n    expected 1, got 2')
    expect(detailed).not.toContain('fine')
  })

  it('repeats the request only for an agent without memory', () => {
    expect(write('minimal')).not.toContain('make it so')
    expect(write('minimal', tests, false)).toMatch(/The request was:\n\nmake it so$/)
  })

  it('keeps its bounds and says what it left out', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => failed(`case ${index} ${'x'.repeat(40)}`, 'y'.repeat(5_000)))
    for (const level of ['medium', 'detailed'] as const) {
      const text = write(level, many)
      expect(text.length).toBeLessThan(feedbackCharsMax + 500)
      expect(text).toMatch(/more lines left out|more failed/)
    }
    expect(
      write(
        'detailed',
        many.slice(0, 25).map(one => ({ ...one, message: '' })),
      ),
    ).toContain('… and 5 more failed')
  })

  it('counts what did not fit in cases, whichever bound cut them off', () => {
    const long = Array.from({ length: 30 }, (_, index) => failed(`case ${index}`, 'y'.repeat(1_600)))
    const text = write('detailed', long)
    const told = text.match(/^FAILED/gm)?.length ?? 0
    expect(told).toBeGreaterThan(0)
    expect(text).toContain(`… and ${30 - told} more failed`)
  })

  it('holds nothing that no argument of a process can carry', () => {
    for (const level of ['medium', 'detailed'] as const) expect(write(level, [failed('a\0b', 'c\0d')])).not.toContain('\0')
  })

  it('tells what is new in this turn first, so that it is never what the bound cuts off', () => {
    const old = Array.from({ length: 30 }, (_, index) => failed(`old ${index}`, ''))
    const verdict = { passed: false, tests: [...old, failed('new')], testsPassed: 0, testsTotal: 31 }
    const input = { instruction: 'x', remembers: true, verdict, older: new Set(old.map(one => one.name)) }
    const detailed = writeFeedback({ ...input, level: 'detailed' })
    expect(detailed).toMatch(/passed\.\n\nFAILED {2}new\n/)
    expect(detailed).toContain('FAILED  old 18\n… and 11 more failed')
    expect(writeFeedback({ ...input, level: 'medium' })).toMatch(/FAILED {2}new\nFAILED {2}old 0\n/)
  })
})
