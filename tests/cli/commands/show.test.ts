import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../../store/open.ts'
import { recordExchange } from '../../store/_conversation.ts'
import { agentKey, openPlace, type Place, recordSessions } from '../_cli.ts'

interface ShownCall {
  readonly id: string
  readonly messages_new: ReadonlyArray<{ readonly role: string; readonly blocks: ReadonlyArray<{ readonly text: string }> }>
  readonly [key: string]: unknown
}
interface Shown {
  readonly id: string
  readonly kind: string
  readonly calls: readonly ShownCall[]
  readonly other_exchanges: ReadonlyArray<{ readonly path: string }>
  readonly request_sha256: string
}

let place: Place
let hello: Shown
beforeAll(async () => {
  place = openPlace()
  await recordSessions(place)
  hello = await place.json<Shown>(['show', 'hello'])
})
afterAll(() => place.close())

describe('turnpike show --json', () => {
  it('lists the calls of a session in order, each with what the contract names', () => {
    expect(hello.kind).toBe('session')
    expect(hello.calls).toHaveLength(2)
    expect(hello.calls[0]).toMatchObject({
      turn: null,
      attempt: null,
      protocol: 'openai-chat',
      model: 'sim',
      status: 200,
      outcome: 'complete',
      provider_id: expect.stringMatching(/^chatcmpl-simulated-/),
      usage: { input: expect.any(Number), cached_read: expect.any(Number), output: expect.any(Number) },
      cost_usd: null,
      ms: expect.any(Number),
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    })
  })

  it('gives with each call the messages that were new in it', () => {
    const texts = hello.calls.map(call => call.messages_new.map(message => message.blocks[0]?.text))
    expect(texts).toEqual([['First question'], ['Second question']])
  })

  it('lists traffic that is no call beside the calls', () => {
    expect(hello.other_exchanges.map(exchange => exchange.path)).toEqual(['/v1/models'])
  })

  it('shows a single exchange by the beginning of its id, with its headers and no key in them', async () => {
    const id = hello.calls[1]?.id ?? ''
    const one = await place.json<Shown>(['show', id.slice(0, 24)])
    expect(one).toMatchObject({
      id,
      kind: 'exchange',
      request_headers: expect.arrayContaining([['content-type', 'application/json']]),
    })
    expect(JSON.stringify(one)).not.toContain(agentKey)
  })
})

describe('turnpike show of an exchange that was sent again', () => {
  it('lists the attempts before it, which no other listing counts', async () => {
    const id = hello.calls[0]?.id ?? ''
    const store = await openStore(join(place.directory, '.turnpike'))
    const [exchange] = await store.exchanges({ id })
    const changes = {
      scope: exchange?.scope ?? { kind: 'session' as const, id: 'S' },
      partOf: { id, part: 'upstream-attempt' as const },
    }
    const attempt = await recordExchange(store, '{"model":"sim"}', 'busy', changes, { status: 529 })
    await store.close()
    const one = await place.json<{ upstream_attempts: unknown[] }>(['show', id])
    expect(one.upstream_attempts).toEqual([expect.objectContaining({ id: attempt, status: 529 })])
    expect((await place.ask(['show', id])).stdout).toMatch(new RegExp(`sent again after:\\n {4}${attempt}  529`))
    expect((await place.json<Shown>(['show', 'hello'])).calls).toHaveLength(2)
    expect((await place.json<Shown & { status: number }>(['show', attempt])).calls[0]).toMatchObject({ id: attempt, status: 529 })
  })
})

describe('turnpike show --raw', () => {
  it('writes the exact bytes of either side', async () => {
    const id = hello.calls[0]?.id ?? ''
    const request = await place.ask(['show', id, '--raw', 'request'])
    expect(request.code).toBe(0)
    expect(request.stdout).toBe(JSON.stringify({ model: 'sim', messages: [{ role: 'user', content: 'First question' }] }))
    const { request_sha256 } = await place.json<Shown>(['show', id])
    expect(createHash('sha256').update(request.bytes).digest('hex')).toBe(request_sha256)
    const response = await place.ask(['show', id, '--raw', 'response'])
    expect(JSON.parse(response.stdout)).toMatchObject({ object: 'chat.completion' })
  })

  it('keeps a stream as it was streamed', async () => {
    const second = await place.json<Shown>(['show', 'second'])
    const { stdout } = await place.ask(['show', second.calls[0]?.id ?? '', '--raw', 'response'])
    expect(stdout).toMatch(/^event: message_start\n/)
    expect(stdout.trimEnd()).toMatch(/event: message_stop\ndata: .*$/)
  })

  it('refuses what is no single exchange', async () => {
    const { code, stderr } = await place.ask(['show', 'hello', '--raw', 'request'])
    expect(code).toBe(2)
    expect(stderr).toContain('"hello" is a session')
  })
})

describe('turnpike show for people', () => {
  it('tells what was asked and answered', async () => {
    const { stdout } = await place.ask(['show', 'hello'])
    expect(stdout).toContain('session hello')
    expect(stdout).toContain('user: First question')
    expect(stdout).toMatch(/assistant: .*simulated/)
  })

  it('says what to do about a name that is not there', async () => {
    const { code, stderr } = await place.ask(['show', 'helo'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error E_REF_UNKNOWN: .*\n {2}why: .*\n {2}try: .*turnpike sessions/)
  })
})
