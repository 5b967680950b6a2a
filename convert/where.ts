// The small language of `--where`: which scopes to take, by facts about them. Pure, and no part of it is ever executed as code.
// Three answers: what depends on a fact that is not known is null, never a guess; `not` of it is null again.

import { TurnpikeError } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'
import { readTokens, type WhereToken } from './where-tokens.ts'

export const numberFacts = ['score', 'turns', 'calls', 'tokens', 'cost', 'duration'] as const
export const textFacts = ['task', 'agent', 'model', 'outcome'] as const
const factNames = [...numberFacts, ...textFacts]

export type NumberFact = (typeof numberFacts)[number]
export type TextFact = (typeof textFacts)[number]
export type Fact = NumberFact | TextFact

/** A fact that is absent is not known. A text fact may hold several values: one that fits is enough. */
export type Facts = { readonly [K in NumberFact]?: number } & { readonly [K in TextFact]?: string | readonly string[] }

const operators = ['<', '<=', '>', '>=', '=', '!=', '~', '!~'] as const
export type Operator = (typeof operators)[number]

export type Where =
  | { readonly kind: 'number'; readonly fact: NumberFact; readonly operator: Operator; readonly value: number }
  | { readonly kind: 'text'; readonly fact: TextFact; readonly operator: Operator; readonly value: string }
  | { readonly kind: 'not'; readonly of: Where }
  | { readonly kind: 'and' | 'or'; readonly left: Where; readonly right: Where }

/** Deeper ones are no question a person asks. */
const depthMax = 100

export function parseWhere(text: string): Where {
  const tokens = readTokens(text, fail)
  let at = 0
  const peek = (): WhereToken | undefined => tokens[at]
  const isWord = (word: string): boolean => peek()?.kind === 'word' && peek()?.text.toLowerCase() === word
  const next = (wanted: string): WhereToken => {
    const token = tokens[at]
    if (token === undefined) return fail(text.length, `it ends where ${wanted} should stand`)
    at += 1
    return token
  }
  const parseEither = (depth: number): Where => {
    let left = parseBoth(depth)
    while (isWord('or')) {
      at += 1
      left = { kind: 'or', left, right: parseBoth(depth) }
    }
    return left
  }
  const parseBoth = (depth: number): Where => {
    let left = parseOne(depth)
    while (isWord('and')) {
      at += 1
      left = { kind: 'and', left, right: parseOne(depth) }
    }
    return left
  }
  const parseOne = (depth: number): Where => {
    if (depth > depthMax)
      return fail(peek()?.at ?? text.length, `more than ${depthMax} parentheses and negations within each other`)
    if (isWord('not')) {
      at += 1
      return { kind: 'not', of: parseOne(depth + 1) }
    }
    if (peek()?.kind !== '(') return parseComparison(next)
    const open = next('(')
    const inner = parseEither(depth + 1)
    if (peek()?.kind !== ')') return fail(open.at, 'this parenthesis is not closed')
    at += 1
    return inner
  }
  const where = parseEither(0)
  const rest = peek()
  if (rest !== undefined) return fail(rest.at, `"${rest.text}" stands where "and", "or" or the end should`)
  return where
}

function parseComparison(next: (wanted: string) => WhereToken): Where {
  const name = next('a fact')
  if (name.kind !== 'word') return fail(name.at, `"${name.text}" stands where a fact should`)
  const sign = (): Operator => {
    const token = next('a comparison')
    const text = token.text === '==' ? '=' : token.text
    return operators.find(operator => operator === text) ?? fail(token.at, `"${token.text}" is no comparison`)
  }
  const number = numberFacts.find(fact => fact === name.text)
  if (number !== undefined) {
    const operator = sign()
    if (operator === '~' || operator === '!~') return fail(name.at, `${number} is a number; ~ compares texts`)
    return { kind: 'number', fact: number, operator, value: readNumber(number, next(`a number for ${number}`)) }
  }
  const fact = textFacts.find(candidate => candidate === name.text)
  if (fact === undefined) return fail(name.at, `there is no fact "${name.text}"${didYouMean(name.text, factNames)}`)
  const operator = sign()
  if (operator.startsWith('<') || operator.startsWith('>')) return fail(name.at, `${fact} is a text; use =, !=, ~ or !~`)
  const value = next(`a text for ${fact}`)
  if (value.kind === 'word' || value.kind === 'text') return { kind: 'text', fact, operator, value: value.text }
  return fail(value.at, `"${value.text}" stands where a text for ${fact} should`)
}

const units: ReadonlyMap<string, number> = new Map(Object.entries({ '': 1, k: 1e3, M: 1e6 }))
const durations: ReadonlyMap<string, number> = new Map(Object.entries({ '': 1, ms: 0.001, s: 1, m: 60, h: 3600 }))

function readNumber(fact: NumberFact, token: WhereToken): number {
  const match = token.kind === 'word' ? /^(-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-zA-Z]*)$/.exec(token.text) : null
  const factor = (fact === 'duration' ? durations : units).get(match?.[2] ?? 'none')
  if (match === null || factor === undefined) {
    const example = fact === 'duration' ? '90, 90s, 5m or 2h' : '3, 0.5, 10k or 2M'
    return fail(token.at, `"${token.text}" is no number for ${fact}; write it as ${example}`)
  }
  return Number(match[1]) * factor
}

function fail(at: number, problem: string): never {
  throw new TurnpikeError('E_USAGE', `--where, character ${at + 1}: ${problem}`, {
    hint: `compare ${factNames.join(', ')} with ${operators.join(' ')}, joined by and, or, not and parentheses`,
  })
}

/** Kleene's logic: an unknown side matters only where the other side does not decide. */
export function evaluateWhere(where: Where, facts: Facts): boolean | null {
  switch (where.kind) {
    case 'number': {
      const known = facts[where.fact]
      return known === undefined ? null : compareNumbers(known, where.operator, where.value)
    }
    case 'text': {
      const known = facts[where.fact]
      if (known === undefined) return null
      const fits = [known]
        .flat()
        .some(value => (where.operator.endsWith('~') ? matchesPattern(value, where.value) : value === where.value))
      return where.operator.startsWith('!') ? !fits : fits
    }
    case 'not': {
      const inner = evaluateWhere(where.of, facts)
      return inner === null ? null : !inner
    }
    default: {
      const decides = where.kind === 'or'
      const left = evaluateWhere(where.left, facts)
      if (left === decides) return decides
      const right = evaluateWhere(where.right, facts)
      return right === decides ? decides : left === null || right === null ? null : !decides
    }
  }
}

function compareNumbers(left: number, operator: Operator, right: number): boolean {
  switch (operator) {
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
    case '!=':
      return left !== right
    default:
      return left === right
  }
}

/** `*` stands for any characters. Linear: no pattern makes it try twice. */
export function matchesPattern(value: string, pattern: string): boolean {
  const parts = pattern.split('*')
  const [first = '', ...others] = parts
  const last = others.pop()
  if (last === undefined) return value === pattern
  if (!value.startsWith(first) || value.length < first.length + last.length || !value.endsWith(last)) return false
  let at = first.length
  for (const part of others) {
    const found = value.indexOf(part, at)
    if (found < 0 || found + part.length > value.length - last.length) return false
    at = found + part.length
  }
  return true
}

export function listFacts(where: Where): ReadonlySet<Fact> {
  switch (where.kind) {
    case 'not':
      return listFacts(where.of)
    case 'and':
    case 'or':
      return new Set([...listFacts(where.left), ...listFacts(where.right)])
    default:
      return new Set([where.fact])
  }
}
