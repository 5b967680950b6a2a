// `turnpike tree` as a process, over a session that branches and fails, and while one is being recorded.

import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Message } from '../../../core/types.ts'
import { openStore } from '../../../store/open.ts'
import { assistant, record, text, user } from '../../convert/script.ts'
import { openPlace, type Place } from '../_cli.ts'
import { recordRun } from '../_recording.ts'

interface Tree {
  readonly calls: ReadonlyArray<{
    readonly id: string
    readonly relation: string
    readonly parent: string | null
    readonly [key: string]: unknown
  }>
  readonly lanes: ReadonlyArray<{ readonly id: string; readonly parent: string | null; readonly calls: number }>
  readonly links: Readonly<Record<string, number>>
}

let place: Place
beforeAll(async () => {
  place = openPlace()
  await recordRun(place.directory)
})
afterAll(() => place.close())

describe('turnpike tree', () => {
  it('draws a line per call, a branch below the call it leaves, and what failed', async () => {
    const { code, stdout } = await place.ask(['tree', 'talk'])
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toBe('session talk  model-a-1  5 calls, 2 lanes')
    expect(lines[1]).toMatch(/^● \d\d:\d\d:\d\d {2}turn 1 {2}root {2}100 → 10 {2}bash {2}end_turn$/)
    expect(lines).toHaveLength(6)
    expect(lines.filter(line => line.includes('✗'))).toEqual([expect.stringMatching(/^├ .* 529$/)])
    expect(lines.filter(line => /^[│ ] ●/.test(line))).toHaveLength(1)
    expect(stdout).not.toContain('\u001b')
  })

  it('is one JSON document with the place of every call', async () => {
    const tree = await place.json<Tree>(['tree', 'talk'])
    expect(tree.calls.map(call => call.id)).toEqual(['talk-a', 'talk-b', 'talk-c', 'talk-d', 'talk-e'])
    expect(tree.calls.map(call => call.parent)).toEqual([null, 'talk-a', 'talk-a', 'talk-a', 'talk-c'])
    expect(tree.calls.map(call => call['role'])).toEqual(['step', 'failed', 'step', 'step', 'step'])
    expect(tree.calls.map(call => call['lane'])).toEqual(['talk-a', 'talk-a', 'talk-a', 'talk-d', 'talk-a'])
    expect(tree.calls[0]).toMatchObject({
      relation: 'root',
      kind: 'unlinked',
      tools: ['bash'],
      status: 200,
      evidence: [],
      edits: [],
      usage: { input: 100, output: 10 },
    })
    expect(tree.lanes.map(lane => [lane.id, lane.parent])).toEqual([
      ['talk-a', null],
      ['talk-d', 'talk-a'],
    ])
    expect(Object.values(tree.links).reduce((sum, count) => sum + count, 0)).toBe(5)
  })

  it('shows all trials of a run, one after the other', async () => {
    const { stdout } = await place.ask(['tree', 'nightly'])
    expect(stdout.match(/^trial .*$/gm)).toEqual([
      expect.stringContaining('trial one.mini.1  mini'),
      expect.stringContaining('trial one.mini.2  mini'),
      expect.stringContaining('trial two.other.1  other'),
    ])
    expect((await place.json<Tree>(['tree', 'nightly'])).calls).toHaveLength(6)
  })

  it('cuts lines to the width of the screen', async () => {
    const { stdout } = await place.ask(['tree', 'talk', '--evidence'])
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
  })

  it.each([
    ['silent', 'E_NO_CALLS: session "silent" has no calls'],
    ['nothing', 'E_REF_UNKNOWN'],
  ])('refuses %s', async (name, problem) => {
    const { code, stderr } = await place.ask(['tree', name])
    expect([code, stderr]).toEqual([2, expect.stringContaining(problem)])
  })
})

describe('turnpike tree of a large session', () => {
  it('folds what merely went on, and shows it with --all', async () => {
    const store = await openStore(join(place.directory, '.turnpike'))
    const messages: Message[] = [user('begin')]
    for (let call = 0; call < 60; call += 1) {
      const answer = assistant(text(`answer ${call}`))
      await record(
        store,
        { id: `long-${String(call).padStart(2, '0')}`, at: 1000 + call, messages: [...messages], answer },
        { kind: 'session', id: 'long' },
      )
      messages.push(answer, user(`next ${call}`))
    }
    await store.put('sessions', [{ id: 'long', name: 'long', source: 'path', agentSession: null, startedAt: 1 }])
    await store.close()
    const folded = (await place.ask(['tree', 'long'])).stdout.trimEnd().split('\n')
    expect(folded).toHaveLength(1 + 1 + 2 + 1 + 2)
    expect(folded[4]).toBe('⋮ 55 more calls  550 tokens written')
    expect((await place.ask(['tree', 'long', '--all'])).stdout.trimEnd().split('\n')).toHaveLength(61)
  })
})

describe('turnpike tree --follow', () => {
  it('tells every call of a trial once as it comes, and ends when the trial does', async () => {
    const store = await openStore(join(place.directory, '.turnpike'))
    const scope = { kind: 'trial', id: 'live-1' } as const
    const [pattern] = await store.list('trials', { id: 'trial-one.mini.1' })
    if (pattern === undefined) throw new Error('the trial is there')
    const trial = { ...pattern, id: 'live-1', name: 'live', runId: 'run-2', state: 'running' as const, outcome: null }
    await store.put('trials', [trial])
    await record(store, { id: 'live-a', at: 1, messages: [user('go')], answer: assistant(text('gone')) }, scope)
    const running = place.start(['tree', 'live', '--follow', '--json'])
    expect(JSON.parse(await running.firstLine())).toMatchObject({ id: 'live-a', relation: 'root' })
    await record(
      store,
      { id: 'live-b', at: 2, messages: [user('go'), assistant(text('gone')), user('on')], answer: assistant(text('yes')) },
      scope,
    )
    await store.put('trials', [{ ...trial, state: 'ended' }])
    const { code, stdout } = await running.ended
    expect(code).toBe(0)
    const told = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { id: string; parent: string | null })
    expect(told.map(call => [call.id, call.parent])).toEqual([
      ['live-a', null],
      ['live-b', 'live-a'],
    ])
    await store.close()
  })

  it('ends when the person has seen enough', async () => {
    const running = place.start(['tree', 'talk', '--follow'])
    await running.firstLine()
    running.child.kill('SIGINT')
    const { code, stdout } = await running.ended
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(5)
  })
})
