// A full disk, for real: a small tmpfs. New calls get a clear 503 in their dialect, nothing answered is missing, and calls pass again
// once there is room.
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openStore } from '../../store/open.ts'
import { ask, header } from '../client.ts'
import { openRig } from '../rig.ts'
import { reply, startUpstream } from '../upstream.ts'

let directory: string
let mounted = false

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnpike-disk-'))
  mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', directory]).status === 0
  if (!mounted) console.log('skipped: a tmpfs cannot be mounted here (needs root), so a full disk cannot be made')
})

afterAll(async () => {
  if (mounted) spawnSync('umount', ['-l', directory])
  await rm(directory, { recursive: true, force: true })
})

/** Incompressible and never the same twice. */
function noise(bytes: number): string {
  return Buffer.from(Array.from({ length: Math.ceil(bytes * 0.75) }, () => Math.floor(Math.random() * 256))).toString('base64')
}

it('refuses new calls with a clear 503, keeps what was answered, and recovers', async context => {
  if (!mounted) return context.skip()
  const upstream = await startUpstream((_, connection) =>
    connection.write(reply('200 OK', ['content-type: application/json'], `{"answer":"${noise(20_000)}"}`)),
  )
  const store = await openStore(join(directory, 'store'))
  const rig = await openRig(upstream.url, { store })
  const answered: Array<{ request: string; answer: string }> = []
  const refused: string[] = []
  for (let call = 0; call < 200 && refused.length < 5; call++) {
    const request = `{"model":"m","messages":[{"role":"user","content":"${noise(80_000)}"}]}`
    const path = call % 2 === 0 ? 'v1/messages' : 'v1/chat/completions'
    const got = await ask(`${rig.proxy.url}/s/full/${path}`, { body: request }).catch(() => null)
    if (got === null || got.broken) continue // the answer could not be recorded: broken off, not given
    if (got.status === 200) answered.push({ request, answer: got.body.toString() })
    else {
      expect([got.status, header(got, 'x-turnpike-error'), header(got, 'retry-after')]).toEqual([503, 'E_RECORD_FAILED', '1'])
      const dialect = JSON.parse(got.body.toString()) as { type?: string; error: { code?: string } }
      if (call % 2 === 0) expect(dialect.type).toBe('error')
      else expect(dialect.error.code).toBe('E_RECORD_FAILED')
      refused.push(path)
    }
  }
  expect(refused.length).toBeGreaterThanOrEqual(5)
  expect(answered.length).toBeGreaterThan(5)

  spawnSync('mount', ['-o', 'remount,size=64m', directory])
  const later = await ask(`${rig.proxy.url}/s/full/v1/messages`, { body: '{"model":"m","messages":[]}' })
  expect(later.status).toBe(200)

  const stored = new Map<string, string>()
  for (const exchange of await rig.exchanges())
    if (exchange.status === 200)
      stored.set((await rig.body(exchange, 'request')).toString(), (await rig.body(exchange, 'response')).toString())
  for (const { request, answer } of answered) expect(stored.get(request)).toBe(answer)
  expect((await store.verify()).bad).toEqual([])
  await rig.close()
  await upstream.close()
})
