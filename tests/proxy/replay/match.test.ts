import { describe, expect, it } from 'vitest'
import type { Fingerprint } from '../../../proxy/replay/fingerprint.ts'
import { type Matchable, matchBytes, matchMeaning, matchRepeat } from '../../../proxy/replay/match.ts'
import { sketchNames, sketchText } from '../../../proxy/replay/sketch.ts'

interface Candidate extends Matchable {
  readonly label: string
  readonly print: Fingerprint | null
}

interface Fields {
  readonly name?: string
  readonly said?: string
  readonly saidLoosely?: string
  readonly text?: string
  readonly tools?: readonly string[]
  readonly system?: string
  readonly model?: string
  readonly stream?: boolean
  readonly generate?: boolean
  readonly answersTools?: boolean
}

const printOf = (fields: Fields): Fingerprint => {
  const { said = '', text = 'fix the parser please', tools = ['bash', 'edit'], system = 'you write code' } = fields
  return {
    name: fields.name ?? `name of ${JSON.stringify(fields)}`,
    place: {
      said,
      saidLoosely: fields.saidLoosely ?? said,
      steps: said === '' ? 0 : 1,
      model: fields.model ?? 'm',
      stream: fields.stream ?? false,
      generate: fields.generate ?? true,
      answersTools: fields.answersTools ?? false,
      tools: sketchNames(tools),
      system: sketchText(system),
      newest: sketchText(text),
      parts: sketchNames(text.split('\n')),
      request: sketchText(text),
    },
  }
}

const base = { protocol: 'p', query: '', bodySha256: 'asked', turn: 1, attempt: 1 }
const recorded = (label: string, fields: Fields = {}, more: Partial<Matchable> = {}): Candidate => ({
  ...base,
  bodySha256: label,
  label,
  print: printOf(fields),
  ...more,
})
const find = (asked: Fields, candidates: readonly Candidate[], more: Partial<Matchable> = {}) => {
  const match = matchMeaning({ ...base, ...more }, printOf(asked), candidates, candidate => candidate.print)
  return match === null ? null : `${match.candidate.label} by ${match.rule}`
}

describe('same bytes', () => {
  const same = [recorded('a', {}, { bodySha256: 'asked', turn: 2 }), recorded('b', {}, { bodySha256: 'asked' })]
  it('is the first of its turn, else the first', () => {
    expect(matchBytes(base, same)?.candidate.label).toBe('b')
    expect(matchBytes({ ...base, turn: 7 }, same)?.candidate.label).toBe('a')
  })
  it('is never another query, another protocol or another body', () => {
    expect(matchBytes({ ...base, query: 'beta=true' }, same)).toBeNull()
    expect(matchBytes({ ...base, protocol: null }, same)).toBeNull()
    expect(matchBytes({ ...base, bodySha256: 'other' }, same)).toBeNull()
  })
  it('repeats the last one for probes', () => {
    expect(matchRepeat(base, same)).toMatchObject({ candidate: { label: 'b' }, rule: 'repeat' })
    expect(matchRepeat({ ...base, query: 'x=1' }, same)).toBeNull()
  })
})

describe('same request', () => {
  it('wins over a nearer place', () => {
    const candidates = [recorded('near', { name: 'other' }), recorded('same', { name: 'it', text: 'words of its own' })]
    expect(find({ name: 'it' }, candidates)).toBe('same by request')
  })
})

describe('same place', () => {
  it('is where the model has said the same; where it has said something else never matches', () => {
    const candidates = [recorded('first'), recorded('after', { said: 'abc' })]
    expect(find({ name: 'x', said: 'abc' }, candidates)).toBe('after by place')
    expect(find({ name: 'x', said: 'abd' }, candidates)).toBeNull()
  })
  it('goes by the ids of tool calls, and without them only when none has them', () => {
    const candidates = [recorded('loose', { said: 'i2', saidLoosely: 'L' }), recorded('exact', { said: 'i1', saidLoosely: 'L' })]
    expect(find({ name: 'x', said: 'i1', saidLoosely: 'L' }, candidates)).toBe('exact by place')
    expect(find({ name: 'x', said: 'i9', saidLoosely: 'L' }, candidates)).toBe('loose by place')
  })
  it('chooses the text most alike, then the tools, then the model', () => {
    const text = 'write a parser for numbers and dates'
    const other = recorded('other text', { text: 'write a parser for names and places' })
    expect(find({ name: 'x', text }, [other, recorded('text', { text })])).toBe('text by place')
    const fewer = recorded('fewer tools', { text, tools: ['bash'] })
    expect(find({ name: 'x', text }, [fewer, recorded('tools', { text })])).toBe('tools by place')
    const small = recorded('small', { text, model: 'small' })
    expect(find({ name: 'x', text }, [small, recorded('large', { text, name: 'y' })])).toBe('large by place')
  })
  it('tells prompts apart that differ in one word among pages of rules', () => {
    const rules = Array.from({ length: 900 }, (_, index) => `rule${index}`).join(' ')
    const prompt = (subject: string): string => `${rules}\nsummarise the ${subject}\n${rules} again`
    const candidates = [recorded('docs', { text: prompt('docs') }), recorded('code', { text: prompt('code') })]
    expect(find({ name: 'x', text: prompt('code') }, candidates)).toBe('code by place')
  })
  it('keeps recorded order among equals, but prefers the turn', () => {
    const equals = [recorded('one', {}, { turn: 2 }), recorded('two'), recorded('three')]
    expect(find({ name: 'x' }, equals)).toBe('two by place')
    expect(find({ name: 'x' }, equals, { turn: 9 })).toBe('one by place')
  })
  it.each<[string, Fields]>([
    ['a stream for a whole answer', { stream: true }],
    ['a warm-up for a call', { generate: false }],
    ['results of tools for an instruction', { answersTools: true }],
    ['another agent’s tools', { tools: ['search', 'fetch', 'open'] }],
    ['an instruction about something else', { text: 'summarise yesterday’s news in verse' }],
    ['another system text at the beginning', { system: 'generate titles' }],
  ])('does not take %s', (_, fields) => {
    expect(find({ name: 'x' }, [recorded('wrong', fields)])).toBeNull()
  })
  it('goes on whatever tools have printed, and with a system text written anew', () => {
    const said = { said: 'abc', answersTools: true }
    const candidates = [recorded('it', { ...said, text: 'total 12', system: 'something different' })]
    expect(find({ name: 'x', ...said, text: 'no such file' }, candidates)).toBe('it by place')
  })
  it('never takes another query or protocol', () => {
    expect(find({ name: 'x' }, [recorded('a', {}, { query: 'alt=sse' })])).toBeNull()
    expect(find({ name: 'x' }, [recorded('a', {}, { protocol: 'q' })])).toBeNull()
  })
})

describe('traffic of no protocol', () => {
  const asked = { ...base, protocol: null }
  const side = (label: string, query = ''): Candidate => ({ ...recorded(label, {}, { protocol: null, query }), print: null })
  const next = (candidates: readonly Candidate[]) =>
    matchMeaning(asked, null, candidates, candidate => candidate.print)?.candidate.label ?? null
  it('is answered in recorded order, by its own query first', () => {
    expect(next([side('a', 'x=1'), side('b'), side('c')])).toBe('b')
    expect(next([side('a', 'x=1')])).toBe('a')
    expect(next([])).toBeNull()
  })
  it('but not when a protocol claims it and cannot read it', () => {
    expect(matchMeaning(base, null, [recorded('a')], candidate => candidate.print)).toBeNull()
  })
})
