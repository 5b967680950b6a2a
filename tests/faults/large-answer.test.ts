import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openStore } from '../../store/open.ts'

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

it('an answer too large to stay in memory is stored once, whichever saves share its last commit', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-large-'))
  const store = await openStore(directory)
  const { recorder } = store
  const sent = new Map<string, string>()
  for (let round = 0; round < 12; round++) {
    const id = `01LARGE0000000000000000${String(round).padStart(3, '0')}`
    const begin = {
      turn: null,
      attempt: null,
      protocol: null,
      route: null,
      method: 'POST',
      path: '/',
      query: '',
      requestHeaders: [],
      secrets: [],
    }
    await recorder.begin({ id, scope: { kind: 'session', id: 's' }, requestBody: Buffer.from('{}'), startedAt: 1, ...begin })
    const parts: Buffer[] = []
    for (let part = 0; part < 40 + round; part++) {
      const bytes = Buffer.alloc(70_000, `${round}-${part} `)
      parts.push(bytes)
      recorder.append(id, bytes, 2 + part)
      // Several saves for one commit, and now and then time for a commit of their own.
      if (part % 9 === round % 9) await new Promise(resolve => setTimeout(resolve, 60))
      else if (part % 4 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    // Enough to be saved at once, and the end right behind it: both reach the writer together.
    for (let part = 0; part < 3; part++) {
      const bytes = Buffer.alloc(300_000, `${round} last ${part} `)
      parts.push(bytes)
      recorder.append(id, bytes, 98)
    }
    await recorder.end(id, {
      status: 200,
      responseHeaders: [],
      outcome: 'complete',
      failure: null,
      providerRequestId: null,
      retries: 0,
      firstByteAt: 2,
      endedAt: 99,
    })
    sent.set(id, sha(Buffer.concat(parts)))
  }
  for (const [id, hash] of sent) {
    expect(sha((await store.readBody(id, 'response'))?.bytes ?? Buffer.alloc(0))).toBe(hash)
    expect((await store.readArrivals(id)).reduce((sum, arrival) => sum + arrival.bytes, 0)).toBe(
      (await store.readBody(id, 'response'))?.bytes.length,
    )
  }
  expect((await store.verify()).bad).toEqual([])
  await store.close()
  await rm(directory, { recursive: true, force: true })
})
