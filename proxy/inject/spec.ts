// What --inject says: faults, and to which calls they happen. Reads the short form (`429 rate=0.1 retry-after=2; cut after=3 call=2`);
// spec-file.ts reads files into the same rules. Pure; refuses with the rule and the position, and never guesses.

import { TurnpikeError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import { protocols } from '../../protocols/_all.ts'

export const faultNames = ['reset', 'cut', 'stall', 'malformed', 'drip'] as const
export type FaultKind = 'status' | (typeof faultNames)[number]

export interface Fault {
  readonly kind: FaultKind
  /** Of the answer that is given in the provider's stead; 0 for the other faults. */
  readonly status: number
  readonly retryAfterS: number | null
  /** Events that pass before the fault. */
  readonly afterEvents: number
  readonly ms: number
}

export interface Range {
  readonly from: number
  readonly to: number
}

/** All that is said must hold; what is null does not matter. */
export interface InjectRule {
  /** 1-based. */
  readonly number: number
  /** As it was written; it stands in the record. */
  readonly text: string
  readonly fault: Fault
  readonly rate: number | null
  readonly calls: readonly Range[] | null
  readonly every: number | null
  readonly turns: readonly Range[] | null
  readonly model: string | null
  readonly protocol: string | null
  /** At most so often in one scope. */
  readonly times: number | null
}

export interface InjectSpec {
  readonly seed: number
  readonly rules: readonly InjectRule[]
}

/** A rule as written: its fault and its words, each with a function that refuses it where it stands. */
export interface WrittenRule {
  readonly number: number
  readonly text: string
  readonly fault: string
  readonly refuseFault: (why: string) => TurnpikeError
  readonly words: ReadonlyMap<string, WrittenWord>
}

export interface WrittenWord {
  readonly value: string
  readonly refuse: (why: string) => TurnpikeError
}

export const defaultSeed = 1
const ruleWords = ['rate', 'call', 'every', 'turn', 'model', 'protocol', 'times']
const faultWords: Readonly<Record<FaultKind, readonly string[]>> = {
  status: ['retry-after'],
  reset: [],
  cut: ['after'],
  stall: ['after', 'ms'],
  malformed: ['event'],
  drip: ['ms'],
}

export function parseInject(text: string): InjectSpec {
  let seed = defaultSeed
  const rules: InjectRule[] = []
  let offset = 0
  for (const part of text.split(/[;\n]/)) {
    const place = { part, offset, number: rules.length + 1 }
    offset += part.length + 1
    if (part.trim() === '') continue
    const alone = /^\s*seed=(.*?)\s*$/.exec(part)
    if (alone === null) rules.push(buildRule(readRule(place)))
    else seed = readWhole({ value: alone[1] ?? '', refuse: why => refuseAt(place, part.indexOf('seed'), why) }, 'seed', 0)
  }
  if (rules.length === 0) throw new TurnpikeError('E_INJECT_INVALID', '--inject names no fault')
  return { seed, rules }
}

interface Place {
  readonly part: string
  readonly offset: number
  readonly number: number
}

function refuseAt(place: Place, at: number, why: string): TurnpikeError {
  return new TurnpikeError('E_INJECT_INVALID', `--inject, rule ${place.number}, character ${place.offset + at + 1}: ${why}`)
}

function readRule(place: Place): WrittenRule {
  const [first, ...rest] = place.part.matchAll(/[^\s,]+/g)
  const words = new Map<string, WrittenWord>()
  for (const match of rest) {
    const refuse = (why: string): TurnpikeError => refuseAt(place, match.index, why)
    const [name = '', value] = split(match[0])
    if (value === undefined) throw refuse(`"${match[0]}" is no word=value`)
    if (words.has(name)) throw refuse(`${name} is said twice`)
    words.set(name, { value, refuse })
  }
  const fault = first?.[0] ?? ''
  return {
    number: place.number,
    text: place.part.trim(),
    fault,
    refuseFault: why => refuseAt(place, first?.index ?? 0, why),
    words,
  }
}

function split(word: string): [string, string | undefined] {
  const at = word.indexOf('=')
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

export function buildRule(written: WrittenRule): InjectRule {
  const { words } = written
  const kind = readKind(written)
  const known = [...ruleWords, ...faultWords[kind]]
  for (const [name, { refuse }] of words) {
    if (known.includes(name)) continue
    const elsewhere = Object.values(faultWords).flat().includes(name)
    throw refuse(elsewhere ? `${name} does not go with ${written.fault}` : `unknown word "${name}"${didYouMean(name, known)}`)
  }
  const whole = (name: string, minimum: number): number | null => {
    const word = words.get(name)
    return word === undefined ? null : readWhole(word, name, minimum)
  }
  const ranges = (name: string): Range[] | null => {
    const word = words.get(name)
    return word === undefined ? null : readRanges(word, name)
  }
  const ms = whole('ms', 1)
  if (ms === null && faultWords[kind].includes('ms')) throw written.refuseFault(`${kind} needs ms=MILLISECONDS`)
  const event = whole('event', 1) ?? 1
  const afterEvents = kind === 'malformed' ? event - 1 : (whole('after', 0) ?? (kind === 'cut' ? 1 : 0))
  const status = kind === 'status' ? Number(written.fault) : 0
  return {
    number: written.number,
    text: written.text,
    fault: { kind, status, retryAfterS: whole('retry-after', 0), afterEvents, ms: ms ?? 0 },
    rate: readRate(words.get('rate')),
    calls: ranges('call'),
    every: whole('every', 1),
    turns: ranges('turn'),
    model: words.get('model')?.value ?? null,
    protocol: readProtocol(words.get('protocol')),
    times: whole('times', 1),
  }
}

function readKind({ fault, refuseFault }: WrittenRule): FaultKind {
  if (/^[45]\d\d$/.test(fault)) return 'status'
  const known = faultNames.find(name => name === fault)
  if (known !== undefined) return known
  const near = didYouMean(fault, faultNames)
  throw refuseFault(`unknown fault "${fault}"${near}; there are ${faultNames.join(', ')} and statuses from 400 to 599`)
}

function readWhole({ value, refuse }: WrittenWord, name: string, minimum: number): number {
  const number = Number(value)
  if (/^\d{1,12}$/.test(value) && number >= minimum) return number
  throw refuse(`${name} must be a whole number from ${minimum}, got "${value}"`)
}

function readRate(word: WrittenWord | undefined): number | null {
  if (word === undefined) return null
  const rate = Number(word.value)
  if (/^\d*\.?\d+$/.test(word.value) && rate > 0 && rate <= 1) return rate
  throw word.refuse(`rate must be above 0 and at most 1, got "${word.value}"`)
}

/** `3`, `3-5`, `3-`, and several of them with | between. */
function readRanges({ value, refuse }: WrittenWord, name: string): Range[] {
  return value.split('|').map(part => {
    const match = /^([1-9]\d{0,8})(-(\d{1,9})?)?$/.exec(part)
    const from = Number(match?.[1])
    const to = match?.[2] === undefined ? from : match[3] === undefined ? Number.POSITIVE_INFINITY : Number(match[3])
    if (match !== null && to >= from) return { from, to }
    throw refuse(`${name} must be like 3, 3-5, 3- or 2|4-6, got "${part}"`)
  })
}

function readProtocol(word: WrittenWord | undefined): string | null {
  if (word === undefined) return null
  const ids = protocols.map(protocol => protocol.id)
  if (ids.includes(word.value)) return word.value
  throw word.refuse(`unknown protocol "${word.value}"${didYouMean(word.value, ids)}; there are ${ids.join(', ')}`)
}
