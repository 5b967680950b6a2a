// What is read in parts is what reading the whole gives: of requests in a store, and of the parts of every protocol's histories.
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeExchange } from '../../convert/decode.ts'
import { addElements, findDivision, messagesAt, openTrack, preambleElements } from '../../convert/sources/history-track.ts'
import { readStoreScope } from '../../convert/sources/source-store.ts'
import type { Json, JsonObject, Message } from '../../core/types.ts'
import { protocolById } from '../../protocols/_all.ts'
import type { Store } from '../../store/_adapter.ts'
import { readWhole } from '../convert/read-whole.ts'
import { withStore } from '../convert/temporary-store.ts'
import { dialects, sessionShapes, writeSession } from '../convert/wire-sessions.ts'
import { runs } from '../runs.ts'
import { recordExchange } from '../store/_conversation.ts'

const count = Number(process.env['TURNPIKE_FUZZ_RUNS'] ?? runs(15))
const info = { kind: 'session', id: 'S', name: 'S', runId: null, task: null, agent: null, score: null } as const

async function compareAll(store: Store): Promise<{ calls: number; continued: number }> {
  const found = await readWhole(readStoreScope(store, { scopeId: 'S' }, info).calls())
  for (const { call, conversation } of found) {
    const whole = await decodeExchange(store, call.exchange)
    if ('reason' in whole) throw new Error(whole.reason)
    expect(conversation).toEqual(whole.conversation)
    // Not only the same fields, but in the same order.
    expect(JSON.stringify(conversation)).toBe(JSON.stringify(whole.conversation))
    expect(call.answer).toEqual(whole.answer)
  }
  return { calls: found.length, continued: found.filter(({ call }) => call.continues !== null).length }
}

describe('requests read from their pieces', () => {
  it('are the requests decoded whole, whatever a session does', async () => {
    let continued = 0
    await fc.assert(
      fc.asyncProperty(fc.array(sessionShapes, { minLength: 1, maxLength: 2 }), fc.nat(9), async (sessions, noise) => {
        await withStore(async store => {
          const written = sessions.map(session => ({ session, bodies: writeSession(session) }))
          const longest = Math.max(...written.map(({ bodies }) => bodies.length))
          let calls = 0
          for (let at = 0; at < longest; at += 1)
            for (const { session, bodies } of written) {
              const bytes = bodies[at]?.bytes
              if (bytes === undefined) continue
              const encoded = noise === at ? gzipSync(bytes) : bytes
              await recordExchange(store, encoded, '{"type":"error","error":{"type":"x","message":"y"}}', {
                scope: { kind: 'session', id: 'S' },
                protocol: session.dialect.protocol,
                path: session.dialect.path,
                requestHeaders: noise === at ? [['content-encoding', 'gzip']] : [],
                secrets: noise % 2 === 0 ? ['ipsum lorem'] : [],
              })
              calls += 1
            }
          const counted = await compareAll(store)
          expect(counted.calls).toBe(calls)
          continued += counted.continued
        })
      }),
      { numRuns: count },
    )
    expect(continued).toBeGreaterThan(count)
  }, 240_000)

  it('are decoded whole where the bytes are no such JSON, with the same reasons', async () => {
    const head = `{"model":"m","messages":[{"role":"user","content":"${'a'.repeat(600)}"}`
    const more = `{"role":"user","content":"${'b'.repeat(3000)}"}`
    const broken = [
      `${head},${more}],"messages":[${more}]}`,
      `${head},${more}],"max_tokens":1,"max_tokens":2}`,
      `${head},,${more}]}`,
      `${head}${more}]}`,
      `${head},${more},]}`,
      `${head},${more}`,
      `${head},${more}]} x`,
      `[${head},${more}]}]`,
      `{"model":"m","messages":"${'c'.repeat(3000)}","system":[{"type":"text","text":"${'d'.repeat(900)}"}]}`,
      `{"":[${more}],"messages":[${more},${more}]}`,
      `{"__proto__":[${more}],"messages":[${more},${more}]}`,
    ]
    await withStore(async store => {
      // Each after a good one of the same beginning, so that there is something known to build upon.
      for (const text of broken.flatMap(one => [`${head},${more}]}`, one]))
        await recordExchange(store, text, '', { scope: { kind: 'session', id: 'S' } })
      const exchanges = await store.exchanges({ scopeId: 'S' })
      const expected = []
      for (const exchange of exchanges) expected.push(await decodeExchange(store, exchange))
      const whole = new Map<string, readonly Message[]>()
      const found = []
      for await (const call of readStoreScope(store, { scopeId: 'S' }, info).calls()) {
        if ('reason' in call) {
          found.push({ reason: call.reason })
          continue
        }
        const front = call.continues === null ? [] : (whole.get(call.continues.callId) ?? []).slice(0, call.continues.messages)
        const messages = [...front, ...call.conversation.messages]
        whole.set(call.exchange.id, messages)
        found.push({ exchange: call.exchange, conversation: { ...call.conversation, messages }, answer: call.answer })
      }
      expect(found).toEqual(expected)
      expect(found.filter(one => 'reason' in one).length).toBeGreaterThan(5)
    })
  })
})

describe.each(dialects)('a history of $protocol', dialect => {
  it('read in parts, divided anywhere, gives the messages, system text and tools of the whole', () => {
    const protocol = protocolById(dialect.protocol)
    if (protocol === null) throw new Error(dialect.protocol)
    const { history } = protocol
    fc.assert(
      fc.property(
        sessionShapes,
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 40, maxLength: 40 }),
        fc.nat(40),
        (shape, sizes, wanted) => {
          const body: JsonObject = writeSession({ ...shape, dialect }).at(-1)?.body ?? {}
          const elements = body[history.field] as readonly Json[]
          const address = { path: dialect.path, query: '' }
          const whole = protocol.readRequest(body, address)
          // Parts of random sizes; then one division, at the boundary it is asked for or before it.
          const track = openTrack()
          const ends = [0]
          for (const size of sizes) {
            const from = ends.at(-1) ?? 0
            if (from === elements.length) break
            addElements(track, history, elements.slice(from, from + size))
            ends.push(Math.min(from + size, elements.length))
          }
          addElements(track, history, elements.slice(ends.at(-1)))
          const asked = Math.min(wanted, ends.length - 1)
          const boundary = findDivision(track, history, asked, elements[ends[asked] ?? 0])
          expect(boundary).toBeLessThanOrEqual(asked)
          if (history.divisible === 'anywhere') expect(boundary).toBe(asked)
          const rest = history.readMessages(elements.slice(ends[boundary]))
          const before = messagesAt(track, boundary)
          const leading = before > 0 ? 0 : rest.length - whole.messages.length
          expect([...whole.messages.slice(0, before), ...rest.slice(leading)]).toEqual(whole.messages)
          expect(messagesAt(track, track.last)).toBe(whole.messages.length)
          const skeleton = protocol.readRequest({ ...body, [history.field]: preambleElements(track) }, address)
          expect({ ...skeleton, messages: whole.messages }).toEqual(whole)
        },
      ),
      { numRuns: count * 3 },
    )
  })
})
