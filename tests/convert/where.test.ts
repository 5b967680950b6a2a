import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  evaluateWhere,
  type Facts,
  listFacts,
  matchesPattern,
  numberFacts,
  parseWhere,
  textFacts,
  type Where,
} from '../../convert/where.ts'

const words = fc.constantFrom('a', 'web-1', 'finished', 'x y', 'quo"te', "apo'strophe", 'back\\slash', '')
const leaf: fc.Arbitrary<Where> = fc.oneof(
  fc.record({
    kind: fc.constant('number' as const),
    fact: fc.constantFrom(...numberFacts),
    operator: fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const, '=' as const, '!=' as const),
    value: fc.integer({ min: -3, max: 3 }),
  }),
  fc.record({
    kind: fc.constant('text' as const),
    fact: fc.constantFrom(...textFacts),
    operator: fc.constantFrom('=' as const, '!=' as const, '~' as const, '!~' as const),
    value: words,
  }),
)
const expression = fc.letrec<{ any: Where }>(tie => ({
  any: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('any').map((of): Where => ({ kind: 'not', of })),
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), tie('any'), tie('any'))
      .map(([kind, left, right]): Where => ({ kind, left, right })),
  ),
})).any

const facts: fc.Arbitrary<Facts> = fc.record(
  {
    ...Object.fromEntries(numberFacts.map(fact => [fact, fc.integer({ min: -3, max: 3 })])),
    ...Object.fromEntries(textFacts.map(fact => [fact, fc.oneof(words, fc.array(words, { maxLength: 3 }))])),
  },
  { requiredKeys: [] },
)

/** Every side in parentheses: what is read back cannot depend on precedence. */
function print(where: Where): string {
  switch (where.kind) {
    case 'number':
      return `${where.fact} ${where.operator} ${where.value}`
    case 'text':
      return `${where.fact}${where.operator}"${where.value.replaceAll(/["\\]/g, sign => `\\${sign}`)}"`
    case 'not':
      return `not (${print(where.of)})`
    default:
      return `(${print(where.left)}) ${where.kind} (${print(where.right)})`
  }
}

describe('parseWhere', () => {
  it('reads back what was printed', () => {
    fc.assert(
      fc.property(expression, where => {
        expect(parseWhere(print(where))).toEqual(where)
      }),
    )
  })

  it('binds not before and before or', () => {
    expect(print(parseWhere('not turns=1 and calls=2 or tokens=3'))).toBe('((not (turns = 1)) and (calls = 2)) or (tokens = 3)')
    expect(print(parseWhere('turns=1 or calls=2 and tokens=3'))).toBe('(turns = 1) or ((calls = 2) and (tokens = 3))')
  })

  it('takes words without quotes, both quotes, two spellings of equal, capitals in connectives, and units', () => {
    expect(parseWhere("task == web-1 AND agent='x y'")).toEqual(parseWhere('task="web-1" and agent="x y"'))
    expect(parseWhere('duration>5m')).toMatchObject({ value: 300 })
    expect(parseWhere('duration>2h')).toMatchObject({ value: 7200 })
    expect(parseWhere('tokens<1.5k')).toMatchObject({ value: 1500 })
    expect(parseWhere('cost<=.5')).toMatchObject({ value: 0.5 })
  })

  it.each([
    ['', 1, 'it ends where a fact should stand'],
    ['score', 6, 'it ends where a comparison should stand'],
    ['score>', 7, 'it ends where a number for score should stand'],
    ['scroe > 1', 1, 'there is no fact "scroe"; did you mean "score"?'],
    ['score >= high', 10, '"high" is no number for score'],
    ['tokens > 5m', 10, '"5m" is no number for tokens; write it as 3, 0.5, 10k or 2M'],
    ['score => 1', 7, '"=>" is no comparison'],
    ['score ~ 1', 1, 'score is a number'],
    ['task < "a"', 1, 'task is a text'],
    ['(score>1', 1, 'this parenthesis is not closed'],
    ['score>1 turns>2', 9, '"turns" stands where "and", "or" or the end should'],
    ['task="a', 6, 'a quote is not closed'],
    ['score>1 and', 12, 'it ends where a fact should stand'],
    ['__proto__ = 1', 1, 'there is no fact "__proto__"'],
    ['score > 1constructor', 9, 'is no number'],
    [`${'('.repeat(200)}score>1`, 102, 'more than 100'],
  ])('says where %j goes wrong', (text, character, problem) => {
    expect(() => parseWhere(text)).toThrow(
      expect.objectContaining({ code: 'E_USAGE', message: expect.stringContaining(`--where, character ${character}: `) }),
    )
    expect(() => parseWhere(text)).toThrow(problem)
  })

  it('either reads or refuses with its own error whatever it is given', () => {
    const parts = fc.constantFrom('score', 'task', '>', '=', '~', '(', ')', 'and', 'or', 'not', '1', '"', "'", ' ', 'x')
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), some => {
        try {
          parseWhere(some.join(''))
        } catch (error) {
          expect(error).toMatchObject({ code: 'E_USAGE' })
        }
      }),
    )
  })
})

describe('evaluateWhere', () => {
  it('never changes its mind when more becomes known', () => {
    fc.assert(
      fc.property(expression, facts, facts, (where, some, more) => {
        const before = evaluateWhere(where, some)
        if (before !== null) expect(evaluateWhere(where, { ...more, ...some })).toBe(before)
      }),
      { numRuns: 500 },
    )
  })

  it('decides everything when all is known, as a plain reading would', () => {
    fc.assert(
      fc.property(expression, facts, (where, some) => {
        const all = {
          score: 0,
          turns: 0,
          calls: 0,
          tokens: 0,
          cost: 0,
          duration: 0,
          task: '',
          agent: '',
          model: '',
          outcome: '',
          ...some,
        }
        expect(evaluateWhere(where, all)).toBe(readPlainly(where, all))
      }),
      { numRuns: 500 },
    )
  })

  it('says it does not know, and no and yes where the rest decides', () => {
    expect(evaluateWhere(parseWhere('score>=1'), {})).toBeNull()
    expect(evaluateWhere(parseWhere('not score>=1'), {})).toBeNull()
    expect(evaluateWhere(parseWhere('score>=1 and turns>3'), { turns: 2 })).toBe(false)
    expect(evaluateWhere(parseWhere('score>=1 or turns<3'), { turns: 2 })).toBe(true)
  })

  it('takes one fitting value of several, and none for a negation', () => {
    const model = ['haiku-1', 'opus-2']
    expect(evaluateWhere(parseWhere('model ~ "opus*"'), { model })).toBe(true)
    expect(evaluateWhere(parseWhere('model !~ "opus*"'), { model })).toBe(false)
    expect(evaluateWhere(parseWhere('model != sonnet'), { model })).toBe(true)
  })
})

function readPlainly(where: Where, all: Facts): boolean {
  if (where.kind === 'number') {
    const value = all[where.fact] ?? Number.NaN
    const answers = { '<': value < where.value, '>': value > where.value, '=': value === where.value }
    const { operator } = where
    if (operator === '<=') return answers['<'] || answers['=']
    if (operator === '>=') return answers['>'] || answers['=']
    return operator === '!=' ? !answers['='] : answers[operator as '<' | '>' | '=']
  }
  if (where.kind === 'not') return !readPlainly(where.of, all)
  if (where.kind === 'text') {
    const values = [all[where.fact] ?? ''].flat()
    const fits = values.some(value => (where.operator.includes('~') ? matchesPattern(value, where.value) : value === where.value))
    return where.operator.startsWith('!') !== fits
  }
  const sides = [where.left, where.right].map(side => readPlainly(side, all))
  return where.kind === 'and' ? !sides.includes(false) : sides.includes(true)
}

describe('matchesPattern', () => {
  it('agrees with the regular expression of the same meaning', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
    fc.assert(
      fc.property(letters, letters, (value, pattern) => {
        const expected = new RegExp(`^${pattern.split('*').join('[^]*')}$`).test(value)
        expect(matchesPattern(value, pattern)).toBe(expected)
      }),
      { numRuns: 1000 },
    )
  })
})

it('lists the facts an expression asks for', () => {
  expect([...listFacts(parseWhere('score>1 and not (task=a or score<3)'))].sort()).toEqual(['score', 'task'])
})
