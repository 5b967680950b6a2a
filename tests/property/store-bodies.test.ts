// Any bodies, in any order, in any scopes, with or without secrets, packed or loose, before and after a restart: the bytes come back.
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { runs } from '../runs.ts'
import { recordExchange, writeFiller } from '../store/_conversation.ts'
import { makeDirectory } from '../store/_store.ts'

const secrets = ['sk-secret-0001-abcdef', 'tp_0123456789']

/** Conversations made of a few building blocks, so that beginnings and ends are shared in every way. */
const element = fc.oneof(
  fc.record({ role: fc.constantFrom('user', 'assistant'), content: fc.nat(5).map(seed => writeFiller(seed, 200 + seed * 150)) }),
  fc.constantFrom(...secrets).map(secret => ({ role: 'user', content: `${writeFiller(9, 300)}${secret}` })),
  fc.json({ maxDepth: 2 }).map(text => JSON.parse(text) as unknown),
)
const messages = fc.array(element, { maxLength: 12 })
const body = fc.tuple(messages, fc.nat(3), fc.boolean(), fc.nat(40)).map(([list, tools, toolsFirst, cut]) => {
  const toolList = Array.from({ length: tools }, (_, at) => ({ name: `t${at}`, description: writeFiller(at, 500) }))
  const whole = toolsFirst ? { tools: toolList, messages: list, stream: true } : { messages: list, tools: toolList }
  const text = JSON.stringify(whole)
  // Now and then broken off: such requests are recorded too.
  return Buffer.from(cut === 0 ? text.slice(0, text.length >> 1) : text)
})
const noise = fc.uint8Array({ maxLength: 4000 }).map(bytes => Buffer.from(bytes))
/** Most calls extend, change or repeat an earlier one of the list. */
const call = fc.record({
  scope: fc.nat(2),
  body: fc.oneof({ weight: 5, arbitrary: body }, { weight: 1, arbitrary: noise }),
  splice: fc.option(fc.tuple(fc.nat(1000), fc.nat(1000), fc.constantFrom('', ',{"role":"user"}', secrets[0]!, '"')), {
    nil: null,
  }),
  secrets: fc.constantFrom([], secrets, secrets.slice(0, 1)),
})

function mask(bytes: Buffer, known: readonly string[]): Buffer {
  let text = bytes.toString('latin1')
  for (const secret of known) text = text.replaceAll(secret, '*'.repeat(secret.length))
  return Buffer.from(text, 'latin1')
}

async function checkAll(store: Store, expected: ReadonlyMap<string, { sent: Buffer; stored: Buffer }>): Promise<void> {
  for (const [id, { sent, stored }] of expected) {
    const found = await store.readBody(id, 'request')
    expect(found?.bytes.equals(stored), id).toBe(true)
    expect(found?.sentSha256).toBe(createHash('sha256').update(sent).digest('hex'))
    expect(found?.storedSha256).toBe(createHash('sha256').update(stored).digest('hex'))
  }
  expect((await store.verify()).bad).toEqual([])
}

it('bodies that share beginnings and ends read back byte for byte, also after a restart', async () => {
  const directory = await makeDirectory()
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 14 }), fc.nat(13), async (calls, restartAt) => {
      const path = `${directory}/${run++}`
      let store = await openStore(path)
      const expected = new Map<string, { sent: Buffer; stored: Buffer }>()
      const earlier = new Map<number, Buffer>()
      for (const [at, { scope, body: own, splice, secrets: known }] of calls.entries()) {
        if (at === restartAt) {
          await store.close()
          store = await openStore(path)
        }
        const before = earlier.get(scope)
        const sent =
          before && splice
            ? Buffer.concat([
                before.subarray(0, splice[0] % (before.length + 1)),
                Buffer.from(splice[2]),
                before.subarray(splice[1] % (before.length + 1)),
              ])
            : own
        earlier.set(scope, sent)
        const id = await recordExchange(store, sent, '', { scope: { kind: 'session', id: `S${scope}` }, secrets: known })
        expected.set(id, { sent, stored: mask(sent, known) })
      }
      await checkAll(store, expected)
      await store.close()
      const reader = await openStore(path, { readOnly: true })
      await checkAll(reader, expected)
      await reader.close()
      await rm(path, { recursive: true })
    }),
    { numRuns: Number(process.env['TURNPIKE_FUZZ_RUNS'] ?? runs(20)) },
  )
}, 120_000)
