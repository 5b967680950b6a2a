// Every policy over random scopes: each generation once, no token lost, the same rows for the same calls in any order, and what is said of
// a row is true of it. tests/property/sessions.test.ts holds the rows against what the script of each scope knows.
import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinTexts } from '../../convert/blocks.ts'
import { findPolicy, policies } from '../../convert/policies/_all.ts'
import type { SourceCall } from '../../convert/source.ts'
import type { PolicyId, Trajectory } from '../../convert/trajectory.ts'
import type { Json, Message, Usage } from '../../core/types.ts'
import { listPaths, listRows } from '../convert/policies/paths.ts'
import { convert, onBlocks, type PolicyCall, playLinear } from '../convert/policies/rows.ts'
import { assistant, text } from '../convert/script.ts'
import { type Built, build } from '../convert/sessions/check.ts'
import { shuffle } from '../convert/sessions/noise.ts'
import { play, scripts } from '../convert/sessions/play.ts'
import { createRandom } from '../convert/sessions/random.ts'

const sessions = fc.tuple(scripts({ steps: 50 }), fc.option(fc.nat(1_000_000)))
const rowsOf = (id: PolicyId, { tree, lanes }: Built): Trajectory[] => [...findPolicy(id).build(tree, lanes)]
const generationsOf = (rows: readonly Trajectory[]) => rows.flatMap(row => row.steps.flatMap(step => step.generation ?? []))
const sum = (used: readonly (Usage | null)[]) => used.reduce((total, one) => total + (one?.input ?? 0) + (one?.output ?? 0), 0)

it('the list is the directory', () => {
  const files = readdirSync('convert/policies').filter(name => name.endsWith('.ts') && !name.startsWith('_'))
  expect(policies.map(policy => `${policy.id}.ts`).sort()).toEqual(files.sort())
})

it('an unknown policy names those that there are', () => {
  expect(() => findPolicy('best')).toThrow(/best/)
})

describe.each(policies.map(policy => [policy.id, policy] as const))('policy %s', (id, policy) => {
  it('exports each generation once, and every token of it', () => {
    fc.assert(
      fc.property(sessions, ([script, noise]) => {
        const built = build(play(script, { noise }).calls)
        const rows = rowsOf(id, built)
        const calls = built.tree.calls.map(call => call.call)
        expect(
          generationsOf(rows)
            .map(one => one.callId)
            .sort(),
        ).toEqual(calls.flatMap(call => (call.answer === null ? [] : [call.id])).sort())
        const failed = [...rows.flatMap(row => row.failed.map(call => call.usage)), ...built.lanes.stray.map(at => at.call.usage)]
        const exported = [...generationsOf(rows).map(one => one.usage), ...failed]
        expect([exported.length, sum(exported)]).toEqual([calls.length, sum(calls.map(call => call.usage))])
      }),
      { numRuns: 30 },
    )
  })

  it('gives the same rows for shuffled records, by first call, each with an id of its own', () => {
    fc.assert(
      fc.property(sessions, fc.nat(1_000_000), ([script, noise], seed) => {
        const { calls } = play(script, { noise })
        const built = build(calls)
        const rows = rowsOf(id, built)
        expect(JSON.stringify(rowsOf(id, build(shuffle(calls, createRandom(seed)))))).toBe(JSON.stringify(rows))
        expect(new Set(rows.map(row => row.id)).size).toBe(rows.length)
        const place = new Map(built.tree.calls.map(call => [call.call.id, call.index]))
        const firsts = rows.map(row => place.get(row.id.replace(/@\d+$/, '')) ?? -1)
        if (id !== 'tree') expect(firsts).toEqual([...firsts].sort((a, b) => a - b))
        for (const row of rows) expect(row).toMatchObject({ policy: policy.id })
      }),
      { numRuns: 20 },
    )
  })

  it('builds its rows one at a time', () => {
    const built = build(play(fc.sample(scripts({ steps: 50 }), { numRuns: 1, seed: 7 })[0] ?? raise()).calls)
    const all = rowsOf(id, built)
    const [first] = findPolicy(id).build(built.tree, built.lanes)
    expect(first).toEqual(all[0])
  })
})

// The session of docs/convert.md, section Policies.
const documented: PolicyCall[] = playLinear((message, at) =>
  at === 3 ? onBlocks(message, block => (block.kind === 'thinking' ? null : block)) : message,
)
documented.push({ id: 'z', at: 2.5, messages: documented[1]?.messages ?? [], answer: assistant(text('No.')) })

it.each<[PolicyId, readonly string[]]>([
  ['readable', ['a b c', 'z']],
  ['exact', ['a b', 'z', 'c thinking-dropped']],
  ['tolerant', ['a b', 'z', 'c thinking-dropped']],
  ['calls', ['a', 'b', 'z', 'c']],
  ['tree', ['a', 'b', 'z', 'c']],
  ['tokens', ['a b tokens-missing', 'z tokens-missing', 'c tokens-missing']],
])('%s gives the documented rows %j', (policy, expected) => {
  const rows = convert(documented, policy).map(row => {
    const answers = row.steps.flatMap(step => (step.generation === null ? [] : [step.generation.callId]))
    return [...answers, ...(row.breakReason === null ? [] : [row.breakReason])].join(' ')
  })
  expect(rows).toEqual(expected)
})

function raise(): never {
  throw new Error('no script')
}

describe('rows to train on', () => {
  it('tree: the parts from a beginning to a call are the row of that call', () => {
    fc.assert(
      fc.property(sessions, ([script, noise]) => {
        const built = build(play(script, { noise }).calls)
        expect(listPaths(rowsOf('tree', built))).toEqual(listRows(rowsOf('calls', built)))
      }),
      { numRuns: 60 },
    )
  })

  it('exact: in front of every answer stands what its call was asked, word for word', () => {
    fc.assert(
      fc.property(sessions, ([script, noise]) => {
        const built = build(play(script, { noise }).calls)
        const asked = new Map(rowsOf('calls', built).map(row => [row.id, write(row, row.steps.length - 1)]))
        for (const row of rowsOf('exact', built))
          for (const [index, { generation }] of row.steps.entries())
            if (generation !== null)
              expect([generation.callId, ...write(row, index)]).toEqual([
                generation.callId,
                ...(asked.get(generation.callId) ?? []),
              ])
      }),
      { numRuns: 60 },
    )
  })

  it('tolerant: the rows of exact, joined where only an answer was rewritten, and approximate there alone', () => {
    let joined = 0
    fc.assert(
      fc.property(sessions, ([script, noise]) => {
        const built = build(play(script, { noise }).calls)
        const exact = new Map(rowsOf('exact', built).map(row => [row.id, row]))
        for (const row of rowsOf('tolerant', built)) {
          const inside = row.steps.slice(1).flatMap(({ generation }) => exact.get(generation?.callId ?? '') ?? [])
          const breaks = inside.filter(part => part.id !== row.id).map(part => part.breakReason)
          expect(breaks.every(reason => reason === 'answer-rewritten')).toBe(true)
          expect(row.approximate).toBe(breaks.length > 0)
          expect(row.breakReason).toBe(exact.get(row.id)?.breakReason)
          expect(row.breakReason).not.toBe('answer-rewritten')
          joined += breaks.length
        }
        for (const row of exact.values()) expect(row.approximate).toBe(false)
      }),
      { numRuns: 60 },
    )
    expect(joined).toBeGreaterThan(10)
  })

  it('tokens: a row is its last prompt and last answer, id for id, and the mask counts what was generated', () => {
    let longest = 0
    fc.assert(
      fc.property(sessions, fc.nat(1_000_000), ([script, noise], seed) => {
        const { calls } = play(script, { noise })
        const given = giveTokens(calls, seed)
        const built = build(given.calls)
        for (const row of rowsOf('tokens', built)) {
          const answers = row.steps.flatMap(({ generation, tokens }) => (generation === null ? [] : [{ generation, tokens }]))
          const last = given.byId.get(answers.at(-1)?.generation.callId ?? '')
          const ids = row.steps.flatMap(step => step.tokens?.ids ?? [])
          expect(ids).toEqual(last === undefined ? [] : [...last.prompt, ...last.answer])
          const masked = answers.map(({ tokens }) => tokens?.ids.length ?? 0)
          expect(masked).toEqual(answers.map(({ generation }) => given.byId.get(generation.callId)?.answer.length ?? 0))
          if (last === undefined) expect([ids, row.breakReason]).toEqual([[], 'tokens-missing'])
          longest = Math.max(longest, answers.length)
        }
      }),
      { numRuns: 40 },
    )
    expect(longest).toBeGreaterThan(3)
  })
})

function write({ system, tools, steps }: Trajectory, end: number): string[] {
  const joined: Message[] = []
  for (const { message } of steps.slice(0, end)) {
    const last = joined.at(-1)
    if (last?.role === 'assistant' && message.role === 'assistant')
      joined[joined.length - 1] = { role: 'assistant', blocks: [...last.blocks, ...message.blocks] }
    else joined.push(message)
  }
  return [
    JSON.stringify([system, tools]),
    ...joined.flatMap(message => joinTexts(message).map(block => `${message.role} ${JSON.stringify(block)}`)),
  ]
}

/** As a server would that knows its prompts: ids per word, and marks where messages begin and end. Some answers come without. */
function giveTokens(calls: readonly SourceCall[], seed: number) {
  const random = createRandom(seed)
  const names = new Map<string, number>()
  const nameOf = (word: string): number => names.get(word) ?? names.set(word, names.size + 10).size + 9
  const built = build(calls)
  const { history, preambles } = built.tree.scope
  const byId = new Map<string, { readonly prompt: number[]; readonly answer: number[] }>()
  const render = (message: Message): number[] =>
    joinTexts(message).map(block => nameOf(JSON.stringify({ ...block, extra: 0, wire: 0 })))
  for (const { call, request } of built.tree.calls) {
    if (call.answerMessage === null || random.chance(10)) continue
    const head = [1, nameOf(JSON.stringify(preambles[call.preamble]))]
    const prompt = history
      .readMessages(request, 0)
      .flatMap(message => [2, message.role === 'assistant' ? 3 : 4, ...render(message), 5])
    byId.set(call.id, { prompt: [...head, ...prompt, 2, 3], answer: [...render(call.answerMessage), 5] })
  }
  const withIds = calls.map((call): SourceCall => {
    const ids = byId.get(call.exchange.id)
    if (ids === undefined || call.answer === null) return call
    const extra: { [key: string]: Json } = {
      ...call.answer.extra,
      prompt_token_ids: ids.prompt,
      choice: { token_ids: ids.answer },
    }
    return {
      ...call,
      answer: { ...call.answer, extra, usage: call.answer.usage && { ...call.answer.usage, output: ids.answer.length } },
    }
  })
  return { calls: withIds, byId }
}
