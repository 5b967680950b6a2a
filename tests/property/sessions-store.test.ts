// The same random scopes through a real store and every output format: bytes come back as they were sent, the truth holds for what was read
// from them, no format loses an answer or marks one twice, and what a format reads it writes again.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formats } from '../../convert/formats/_all.ts'
import { policies } from '../../convert/policies/_all.ts'
import type { ScopeInfo, SourceCall } from '../../convert/sources/source.ts'
import { readStoreScope } from '../../convert/sources/source-store.ts'
import { build, listDisagreements, placeCalls } from '../convert/sessions/check.ts'
import { listKeys } from '../convert/sessions/kappa.ts'
import { play, scripts } from '../convert/sessions/play.ts'
import { createRandom } from '../convert/sessions/random.ts'
import { recordSession } from '../convert/sessions/recording.ts'
import { withStore } from '../convert/temporary-store.ts'

const times = Number(process.env['TURNPIKE_SESSIONS'] ?? 1)
const seeds = fc.nat(1_000_000)

const scopeInfo = (id: string): ScopeInfo => ({
  kind: 'session',
  id,
  name: id,
  runId: null,
  task: null,
  agent: null,
  score: null,
})

async function readAll(calls: AsyncIterable<SourceCall | { readonly reason: string }>): Promise<SourceCall[]> {
  const all: SourceCall[] = []
  for await (const call of calls) {
    if ('reason' in call) throw new Error(call.reason)
    all.push(call)
  }
  return all
}

describe('a random scope in a real store', () => {
  // The protocols of Claude Code, of most others, and of Codex.
  it.each(['anthropic-messages', 'openai-chat', 'openai-responses'])(
    'gives back every byte of %s, every block and the same truth',
    { timeout: 120_000 },
    async protocol => {
      await withStore(async store => {
        let number = 0
        const check = fc.asyncProperty(scripts({ steps: 40 }), seeds, async (script, spelling) => {
          const name = `s${number++}`
          const { calls, truth } = play(script, { noise: spelling, name })
          const sent = await recordSession(store, calls, name, createRandom(spelling), protocol)
          for (const [id, bytes] of sent) expect((await store.readBody(id, 'request'))?.bytes.toString()).toBe(bytes.toString())
          const read = await readAll(readStoreScope(store, { scopeId: name }, scopeInfo(name)).calls())
          expect(read.map(call => call.exchange.id).sort()).toEqual(calls.map(call => call.exchange.id).sort())
          expect(listDisagreements(truth, placeCalls(build(read), truth))).toEqual([])
          const known = new Map(read.map(call => [call.exchange.id, call]))
          for (const call of read.filter(call => call.continues === null)) {
            const original = calls.find(one => one.exchange.id === call.exchange.id)
            // The other protocols have no word for a tool's failure.
            const keysOf = (one: SourceCall | undefined) =>
              listKeys(one?.conversation.messages ?? []).map(key =>
                protocol === 'anthropic-messages' ? key : key.replace(/^(result \S+) true/, '$1 false'),
              )
            expect(keysOf(call)).toEqual(keysOf(original))
            expect(known.has(call.exchange.id)).toBe(true)
          }
        })
        await fc.assert(check, { numRuns: 5 * times })
      })
    },
  )
})

const pairs = formats.flatMap(format =>
  policies.filter(policy => format.policies.includes(policy.id)).map(policy => [format.id, policy.id, format, policy] as const),
)

describe.each(pairs)('format %s of policy %s', (_format, _policy, format, policy) => {
  const write = (calls: readonly SourceCall[]) => {
    const { tree, lanes } = build(calls)
    return [...format.write({ scope: scopeInfo('s'), policy: policy.id, trajectories: policy.build(tree, lanes) })]
  }

  it('marks every answer once and reads what it wrote', () => {
    fc.assert(
      fc.property(scripts({ steps: 60 }), fc.option(seeds), (script, noise) => {
        const { calls, truth } = play(script, { noise })
        const rows = write(calls)
        const names = new Map(truth.flatMap(one => one.records.map(record => [record, one.id] as const)))
        const marked = rows.flatMap(row => format.listGenerations(row)).map(id => names.get(id))
        expect(marked.sort()).toEqual(truth.flatMap(one => (one.generates ? [one.id] : [])).sort())
        if (format.read === undefined) return
        for (const row of rows) expect([...format.write(format.read(row))]).toEqual([row])
      }),
      { numRuns: 8 * times },
    )
  })
})
