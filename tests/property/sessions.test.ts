// The invariants of conversion (docs/convert.md) on random scopes whose truth the script knows: parents, relations, retries, edits, and that
// nothing is lost, doubled or reordered. TURNPIKE_SESSIONS=n plays n times as many (else TURNPIKE_RUNS); TURNPIKE_SEED=n or =random plays
// others than the usual ones, and the seed is printed; TURNPIKE_SHRINK=1 makes what failed small, which may take minutes.

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Policy } from '../../convert/policies/_adapter.ts'
import { policies } from '../../convert/policies/_all.ts'
import type { SourceCall } from '../../convert/sources/source.ts'
import type { Trajectory } from '../../convert/trajectory.ts'
import { createLiveTree } from '../../convert/tree/live-tree.ts'
import type { CallTree } from '../../convert/tree/tree.ts'
import { maskText } from '../../core/redact.ts'
import type { Usage } from '../../core/types.ts'
import { seed } from '../_seed.ts'
import { type Built, build, giveNews, listDisagreements, type Placed, placeCalls } from '../convert/sessions/check.ts'
import type { Style } from '../convert/sessions/client.ts'
import { listKeys, listWords } from '../convert/sessions/kappa.ts'
import { noiseKinds, shuffle } from '../convert/sessions/noise.ts'
import { play, readStyle, type Session, scripts } from '../convert/sessions/play.ts'
import { createRandom } from '../convert/sessions/random.ts'
import type { Truth } from '../convert/sessions/truth.ts'
import { runs } from '../runs.ts'

const times = Number(process.env['TURNPIKE_SESSIONS'] ?? runs(1))
console.log(`random sessions: TURNPIKE_SEED=${seed} TURNPIKE_SESSIONS=${times}`)

const seeds = fc.nat(1_000_000)
const assertAll = <Ts extends [unknown, ...unknown[]]>(property: fc.IProperty<Ts>, count: number) =>
  fc.assert(property, {
    numRuns: count * times,
    seed,
    interruptAfterTimeLimit: 240_000,
    markInterruptAsFailure: true,
    endOnFailure: process.env['TURNPIKE_SHRINK'] !== '1',
  })

/** Asked tens of thousands of times: the matcher, which is slow, only says what differs. */
const expectSame = (found: readonly unknown[], expected: readonly unknown[]): void => {
  if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected)
}

const rowsOf = (policy: Policy, { tree, lanes }: Built): Trajectory[] => [...policy.build(tree, lanes)]

describe('every call of a random scope', () => {
  let played = 0
  const tally = new Map<string, number>()
  const count = (what: string, by = 1) => tally.set(what, (tally.get(what) ?? 0) + by)
  const addSession = ({ truth, tally: seen }: Session): void => {
    played += truth.length
    for (const [what, by] of seen) count(what, by)
    for (const one of truth) for (const relation of one.relations) count(`relation: ${relation}`)
  }

  it('hangs where the script put it, noise or not', () => {
    assertAll(
      fc.property(scripts({ steps: 160 }), fc.option(seeds), (script, noise) => {
        const session = play(script, { noise })
        addSession(session)
        expect(listDisagreements(session.truth, placeCalls(build(session.calls), session.truth))).toEqual([])
      }),
      110,
    )
  })

  // A generator that never makes what it promises proves nothing.
  it('is one of at least 5,000, of every kind and with every noise', () => {
    expect(played).toBeGreaterThanOrEqual(5_000 * times)
    const rare = happenings.filter(([what, least]) => (tally.get(what) ?? 0) < least)
    expect(rare.map(([what, least]) => `${what}: ${tally.get(what) ?? 0} of ${least}`)).toEqual([])
  })

  afterAll(() => {
    const lines = [...tally].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, by]) => `${what} ${by}`)
    console.log(`${played} calls; ${lines.join(', ')}`)
  })
})

const happenings: ReadonlyArray<readonly [what: string, least: number]> = [
  ...noiseKinds.map(kind => [kind, 20] as const),
  ...['declared', 'extend', 'fork', 'edit', 'subagent', 'compact', 'side', 'root'].map(
    name => [`relation: ${name}`, 100] as const,
  ),
  ...['title', 'warmup', 'probe', 'unknown'].map(kind => [`side: ${kind}`, 30] as const),
  ...['result cleared', 'text changed', 'text dropped', 'text inserted', 'front cut'].map(kind => [`edit: ${kind}`, 10] as const),
  ...['first', 'middle', 'last'].map(which => [`retry: ${which} kept`, 30] as const),
  ['identical answers', 20],
  ['failed call', 200],
  ['partial answer', 200],
  ['more words after a failure', 30],
  ['cut: asked again', 30],
  ['cut: kept, results aborted', 30],
  ['cut: thrown away, more words', 30],
  ['cut: earlier result rewritten', 15],
  ['cut: only a thought', 30],
  ['an empty answer', 15],
  ['image', 20],
  ['continues what was never recorded', 10],
  ['rewind', 50],
  ['branch with a copy', 30],
  ['compaction', 50],
  ['compaction that keeps the opening', 10],
  ['sub-agent', 20],
  ['sub-agents in parallel', 40],
  ['sub-agents with the same prompt', 5],
  ['nested sub-agent', 10],
  ['sub-agent answered', 20],
  ['logged twice', 30],
  ['tool ids that repeat', 50],
  ['ids rewritten by a gateway', 50],
  ['reminder in the newest message', 50],
  ['preamble changed', 50],
  ['parallel tool calls', 100],
  ['system message inside', 50],
  ['resumed from before the record', 30],
  ['two clients with the same first words', 3],
  ['whole history after deltas', 5],
]

const sumUsage = (used: ReadonlyArray<Usage | null>) => {
  const add = (read: (one: Usage) => number | null) => used.reduce((sum, one) => sum + (one === null ? 0 : (read(one) ?? 0)), 0)
  return [add(one => one.input), add(one => one.cachedRead), add(one => one.output)]
}

describe.each(policies.map(policy => [policy.id, policy] as const))('policy %s', (_id, policy) => {
  it('exports every answer exactly once and neither gains nor loses a token or a cent', () => {
    assertAll(
      fc.property(scripts({ steps: 60 }), fc.option(seeds), (script, noise) => {
        const { calls, truth } = play(script, { noise })
        const built = build(calls)
        const rows = rowsOf(policy, built)
        const byRecord = new Map(truth.flatMap(one => one.records.map(record => [record, one.id] as const)))
        const generations = rows.flatMap(row => row.steps.flatMap(step => step.generation ?? []))
        const generated = truth.filter(one => one.generates).map(one => one.id)
        expect(generations.map(one => byRecord.get(one.callId)).sort()).toEqual([...generated].sort())
        const stray = built.lanes.stray.map(({ call }) => ({ callId: call.id, usage: call.usage, costNanoUsd: call.costNanoUsd }))
        const failed = [...rows.flatMap(row => row.failed), ...stray]
        expect(failed.map(one => one.callId).sort()).toEqual(truth.flatMap(one => (one.generates ? [] : [one.id])).sort())
        const first = new Set(truth.map(one => one.id))
        const paid = calls.filter(call => first.has(call.exchange.id))
        const exported = [...generations, ...failed]
        expect(sumUsage(exported.map(one => one.usage))).toEqual(sumUsage(paid.map(call => call.answer?.usage ?? null)))
        const cost = (all: ReadonlyArray<{ readonly costNanoUsd: number | null }>) =>
          all.reduce((sum, one) => sum + (one.costNanoUsd ?? 0), 0)
        expect(cost(exported)).toBe(cost(paid))
      }),
      25,
    )
  })

  it('does not depend on the order of the records', () => {
    assertAll(
      fc.property(scripts({ steps: 60 }), seeds, (script, order) => {
        const { calls } = play(script, { noise: order })
        const write = (some: readonly SourceCall[]) => JSON.stringify(rowsOf(policy, build(some)))
        expect(write(shuffle(calls, createRandom(order)))).toBe(write(calls))
      }),
      15,
    )
  })

  it('is the same when calls are given again', () => {
    assertAll(
      fc.property(scripts({ steps: 40 }), seeds, (script, which) => {
        const { calls } = play(script)
        const random = createRandom(which)
        const again = calls.filter(() => random.chance(30))
        const write = (some: readonly SourceCall[]) => JSON.stringify(rowsOf(policy, build(some)))
        expect(write([...calls, ...again])).toBe(write(calls))
      }),
      15,
    )
  })
})

/** Ids that a server repeats: their calls count by input, as in the script. */
const repeated = { repeated: (id: string) => id.startsWith('call_') }

/** What stands before a part of a tree, from the root on. */
function readBefore(row: Trajectory, byRow: ReadonlyMap<string, Trajectory>): Trajectory['steps'] {
  const at = row.parent?.continuesAt
  const parent = at === undefined ? undefined : byRow.get(at.trajectoryId)
  return at === undefined || parent === undefined ? [] : [...readBefore(parent, byRow), ...parent.steps.slice(0, at.steps)]
}

describe('what a row holds', () => {
  // Every generation of these policies stands right behind all that its call was asked.
  const whole = policies.filter(policy => ['calls', 'exact', 'tolerant', 'tokens', 'tree'].includes(policy.id))
  it.each(whole.map(policy => [policy.id, policy] as const))(
    '%s: each request before its answer, no more and no less',
    (id, policy) => {
      assertAll(
        fc.property(scripts({ steps: 60 }), fc.option(seeds), (script, noise) => {
          const { calls, truth } = play(script, { noise })
          const byRecord = new Map(truth.flatMap(one => one.records.map(record => [record, one] as const)))
          const byId = new Map(calls.map(call => [call.exchange.id, call]))
          const rows = rowsOf(policy, build(calls))
          const byRow = new Map(rows.map(row => [row.id, row]))
          for (const row of rows) {
            const before = readBefore(row, byRow)
            for (const [index, { generation }] of row.steps.entries()) {
              const expected = generation === null ? undefined : byRecord.get(generation.callId)
              // Which of two spellings of their ids a row shows is not said.
              if (generation === null || expected === undefined || expected.renamed) continue
              const messages = [...before, ...row.steps.slice(0, index + 1)].map(step => step.message)
              expectSame([row.id, ...listKeys(messages, repeated)], [row.id, ...expected.keys])
              const call = byId.get(generation.callId)
              if (call === undefined || call.conversation.extra['previous_response_id'] !== undefined) continue
              const last = row.steps.findLastIndex(step => step.generation !== null) === index
              if (id === 'calls' || (id === 'exact' && last))
                expectSame(
                  listWords(messages),
                  listWords([...call.conversation.messages, ...(call.answer ? [call.answer.message] : [])]),
                )
            }
          }
        }),
        30,
      )
    },
  )

  it('gives every tool result a tool call before it', () => {
    const [readable] = policies.filter(policy => policy.id === 'readable')
    assertAll(
      fc.property(scripts({ steps: 60 }), script => {
        const { calls, tally } = play(script)
        if (readable === undefined || tally.has('edit: front cut')) return
        for (const row of rowsOf(readable, build(calls))) {
          if (row.parent !== null && row.kind !== 'subagent') continue
          const called = new Set<string>()
          for (const { message } of row.steps)
            for (const block of message.blocks) {
              if (block.kind === 'tool-call') called.add(block.id)
              if (block.kind === 'tool-result') expect([...called]).toContain(block.callId)
            }
        }
      }),
      20,
    )
  })
})

describe('the tree of a scope', () => {
  const links = (placed: ReadonlyMap<string, Placed>) =>
    [...placed].map(([id, { parent, relation, via, retryOf }]) => [id, relation, parent, via, retryOf]).sort()
  const lanesOf = ({ lanes }: Built, truth: readonly Truth[]) => {
    const names = new Map(truth.flatMap(one => one.records.map(record => [record, one.id] as const)))
    const name = (id: string) => names.get(id) ?? id
    return lanes.lanes
      .map(lane => lane.steps.map(step => [name(step.call.call.id), ...step.alternatives.map(one => name(one.call.id)).sort()]))
      .sort()
  }

  it('has two calls at one node exactly when they asked the same thing', () => {
    assertAll(
      fc.property(scripts({ steps: 60 }), fc.option(seeds), (script, noise) => {
        const { calls, truth } = play(script, { noise })
        const nodes = new Map<number, string>()
        const asked = new Map<string, number>()
        const placed = placeCalls(build(calls), truth)
        for (const one of truth) {
          const found = placed.get(one.id)?.call
          if (found === undefined || one.renamed) continue
          const answered =
            found.call.answer === null
              ? 0
              : listKeys([{ role: 'assistant', blocks: found.call.answerMessage?.blocks ?? [] }]).length
          const keys = one.keys.slice(0, one.keys.length - answered).join('\u0000')
          if ((nodes.get(found.requestNode) ?? keys) !== keys) expect(nodes.get(found.requestNode)).toBe(keys)
          if ((asked.get(keys) ?? found.requestNode) !== found.requestNode) expect(asked.get(keys)).toBe(found.requestNode)
          nodes.set(found.requestNode, keys)
          asked.set(keys, found.requestNode)
        }
      }),
      30,
    )
  })

  it('and its lanes are the same with and without wire noise', () => {
    assertAll(
      fc.property(scripts({ steps: 80 }), seeds, (script, noise) => {
        const clean = play(script)
        // Which of two answers that look the same was kept, only stripped thinking tells.
        if (clean.tally.has('identical answers')) return
        const noisy = play(script, { noise })
        const [one, other] = [build(clean.calls), build(noisy.calls)]
        expect(links(placeCalls(other, noisy.truth))).toEqual(links(placeCalls(one, clean.truth)))
        expect(lanesOf(other, noisy.truth)).toEqual(lanesOf(one, clean.truth))
      }),
      50,
    )
  })

  it('has the lanes of the script', () => {
    let checked = 0
    assertAll(
      fc.property(scripts({ steps: 80, clocks: ['exact'] }), fc.option(seeds), (script, noise) => {
        const { calls, truth, lanes: expected } = play(script, { noise })
        if (expected === null) return
        checked += truth.length
        const built = build(calls)
        const found = lanesOf(built, truth)
        expect(found.map(lane => lane.map(([id]) => id)).sort()).toEqual(expected.lanes)
        expect(found.flatMap(lane => lane.flatMap(([, ...others]) => others)).sort()).toEqual(expected.alternatives)
        const [readable] = policies.filter(policy => policy.id === 'readable')
        const names = new Map(truth.flatMap(one => one.records.map(record => [record, one.id] as const)))
        const generations =
          readable === undefined
            ? []
            : rowsOf(readable, built).flatMap(row =>
                row.kind === 'alternative' ? [] : row.steps.flatMap(step => step.generation ?? []),
              )
        const unresolved = generations.filter(one => one.unresolvedRetry).map(one => names.get(one.callId))
        expect(unresolved.sort()).toEqual(expected.unresolved)
      }),
      50,
    )
    expect(checked).toBeGreaterThan(500 * times)
  })

  it('is the same when a source gives only what is new', () => {
    assertAll(
      fc.property(scripts({ steps: 60 }), fc.option(seeds), (script, noise) => {
        const { calls } = play(script, { noise })
        for (const policy of policies)
          expect(JSON.stringify(rowsOf(policy, build(giveNews(calls))))).toBe(JSON.stringify(rowsOf(policy, build(calls))))
      }),
      15,
    )
  })

  it('grown call by call is the tree of what has come so far', () => {
    const describeTree = ({ calls, nodeId }: CallTree) =>
      JSON.stringify(
        calls.map(({ index, call, link, requestNode, retryOf, preambleChanged, loggedTimes }) => {
          return { index, id: call.id, link, node: nodeId(requestNode), retryOf, preambleChanged, loggedTimes }
        }),
      )
    assertAll(
      fc.property(scripts({ steps: 40 }), fc.option(seeds), fc.boolean(), (script, noise, shuffled) => {
        const { calls } = play(script, { noise })
        const live = createLiveTree('scope')
        // Calls come when they have ended, which is not the order in which they began.
        const coming = shuffled ? shuffle(calls, createRandom(noise ?? 1)) : calls
        for (const [index, call] of coming.entries()) {
          live.add(call)
          expect(describeTree(live.tree())).toBe(describeTree(build(coming.slice(0, index + 1)).tree))
        }
      }),
      15,
    )
  })

  it('keeps every generation when calls are added', () => {
    assertAll(
      fc.property(scripts({ steps: 60 }), seeds, (script, which) => {
        const { calls, truth } = play(script)
        const random = createRandom(which)
        const some = calls.filter(() => random.chance(60))
        const generated = (part: readonly SourceCall[]) =>
          new Set(
            policies.flatMap(policy =>
              rowsOf(policy, build(part)).flatMap(row => row.steps.flatMap(step => step.generation?.callId ?? [])),
            ),
          )
        const all = generated(calls)
        const nodes = (part: readonly SourceCall[]) => {
          const { tree } = build(part)
          return new Map(tree.calls.map(call => [call.call.id, tree.nodeId(call.requestNode)]))
        }
        const nodesOfAll = nodes(calls)
        // Ids that turn out to repeat, and names of a gateway, are understood better the more calls there are.
        const plain = new Set(
          truth.flatMap(one => (one.renamed || one.repeats || one.relations.includes('declared') ? [] : one.records)),
        )
        for (const [id, node] of nodes(some))
          if (plain.has(id) && nodesOfAll.has(id)) expect([id, nodesOfAll.get(id)]).toEqual([id, node])
        expect([...generated(some)].filter(id => !all.has(id) && !isSecondWriting(id, calls))).toEqual([])
      }),
      15,
    )
  })

  const isSecondWriting = (id: string, calls: readonly SourceCall[]): boolean => {
    const answerId = calls.find(call => call.exchange.id === id)?.answer?.id
    return calls.filter(call => call.answer?.id === answerId).length > 1
  }

  it('has no link between conversations that know nothing of each other', () => {
    assertAll(
      fc.property(fc.array(scripts({ steps: 40, clocks: ['exact'] }), { minLength: 2, maxLength: 4 }), seeds, (some, noise) => {
        const sessions = some.map((script, index) => play(script, { noise: noise + index, name: `world${index}` }))
        const truth = sessions.flatMap(session => session.truth)
        const besides = new Set(truth.flatMap(one => (one.relations.includes('side') ? [one.id] : [])))
        const together = placeCalls(build(sessions.flatMap(session => session.calls)), truth)
        for (const session of sessions) {
          const alone = placeCalls(build(session.calls), session.truth)
          for (const [id, { relation, parent, via }] of alone) {
            // Probes and warm-ups say the same everywhere.
            if (besides.has(id)) continue
            const found = together.get(id)
            expect([id, found?.relation, found?.parent, found?.via]).toEqual([id, relation, parent, via])
          }
        }
      }),
      20,
    )
  })

  it('has the same shape when secrets are masked before', () => {
    assertAll(
      fc.property(scripts({ steps: 80 }), seeds, (script, which) => {
        const { calls, truth } = play(script, { noise: which })
        const random = createRandom(which)
        // The odd words of some texts are secrets; masked they all look the same.
        const words = new Set([...JSON.stringify(calls).matchAll(/about ([0-9a-f]{8})\./g)].map(match => match[1] ?? ''))
        const secrets = [...words].filter(() => random.chance(30))
        const masked = calls.map(call => ({
          ...call,
          conversation: JSON.parse(maskText(JSON.stringify(call.conversation), secrets)) as SourceCall['conversation'],
          answer: JSON.parse(maskText(JSON.stringify(call.answer), secrets)) as SourceCall['answer'],
        }))
        const [before, after] = [build(masked), build(calls)]
        expect(links(placeCalls(before, truth))).toEqual(links(placeCalls(after, truth)))
        expect(lanesOf(before, truth)).toEqual(lanesOf(after, truth))
      }),
      30,
    )
  })
})

describe('a conversation of twice the length', () => {
  /** Turns that each say something new; `reminds`: with a reminder in the newest message, so that every turn is an edit. */
  const grow = (turns: number, start: number) =>
    play({
      starts: [start],
      steps: Array.from({ length: turns }, (_, seed) => ({ who: 0, act: 'tool' as const, seed })),
      clock: 'exact',
    }).calls
  const plain = 11
  const starts = [...Array(50).keys()].map(start => ({ start, style: readStyle(start) }))
  const findStart = (wanted: (style: Style) => boolean) => starts.find(({ style }) => wanted(style))?.start ?? plain

  it.each([
    ['plain', findStart(style => !style.reminds && !style.declares && style.ids === 'own')],
    ['with reminders', findStart(style => style.reminds)],
    ['in deltas', findStart(style => style.declares)],
    ['with repeated ids', findStart(style => style.ids === 'repeated')],
    ['through a gateway', findStart(style => style.ids === 'rewritten')],
  ])('takes twice the blocks, nodes and rows: %s', (_name, start) => {
    const measure = (turns: number) => {
      const calls = grow(turns, start)
      const built = build(calls)
      const readable = policies.filter(policy => policy.id === 'readable').flatMap(policy => rowsOf(policy, built))
      return {
        calls: calls.length,
        blocks: countBlocks(built),
        nodes: Math.max(...built.tree.calls.map(call => call.requestNode)),
        rows: JSON.stringify(readable).length,
      }
    }
    const [once, twice] = [measure(100), measure(200)]
    for (const what of ['blocks', 'nodes', 'rows'] as const) {
      expect(once[what], what).toBeGreaterThan(100)
      expect(twice[what] / once[what], what).toBeLessThan(2.3)
    }
  })

  const countBlocks = ({ tree }: Built): number => {
    for (let reference = 0; ; reference += 1)
      try {
        if (tree.scope.table.read(reference) === undefined) return reference
      } catch {
        return reference
      }
  }
})
