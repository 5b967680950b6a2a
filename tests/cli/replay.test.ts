// A run of our own agent recorded against the simulated provider, with faults, and the same run again from the record alone.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Exchange, TestResult } from '../../core/types.ts'
import type { Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { openPlace, type Place, words } from './_cli.ts'

const turn = (name: string) => ({
  instruction: `Make the file ${name}.`,
  verifier: { files: {}, command: ['sh', '-c', `grep -q made ${name}`], timeout_ms: 20_000 },
  solution: ['sh', '-c', `echo made > ${name}`],
})
const task = { id: 'files', title: 'Two files', files: {}, turns: [turn('one.txt'), turn('two.txt')] }

/** What the tools print differs in every run; a 429 and a cut stream are retried; the second turn fails at first. */
const script = `version: 1
rules:
  - when: { user: "one.txt" }
    steps:
      - shell: "pwd; date +%s%N; echo made > one.txt"
        fault: { kind: status, status: 429, retry_after_s: 0, times: 1 }
      - shell: "pwd; cat /proc/sys/kernel/random/uuid; ls -la --time-style=full-iso"
        fault: { kind: reset, times: 1 }
      - text: "The first is there."
  - when: { user: "two.txt", feedback: false }
    steps:
      - text: "I would rather not."
  - when: { user: "two.txt", feedback: true }
    steps:
      - shell: "echo made > two.txt; pwd"
      - text: "Now it is there."
`

/** By name from the recorded trial of the same name; one is enough for the second protocol. */
const trialsOf = (model: string) => (model === 'sim' ? 2 : 1)

let place: Place
let counter: { readonly url: string; readonly count: () => number; readonly close: () => void }
const models = ['sim', 'claude-sim']

async function startCounter(): Promise<typeof counter> {
  let count = 0
  const server = http.createServer((_, response) => {
    count++
    response.writeHead(500).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, count: () => count, close: () => server.close() }
}

const run = (model: string, name: string, more: readonly string[], trials = 1) =>
  place.run([
    ...words(`run --tasks tasks.jsonl --agent mini --model ${model} --attempts 2 --trials ${trials} --name ${name}`),
    ...more,
  ])

beforeAll(async () => {
  place = openPlace()
  counter = await startCounter()
  writeFileSync(join(place.directory, 'tasks.jsonl'), `${JSON.stringify(task)}\n`)
  writeFileSync(join(place.directory, 'script.yaml'), script)
  for (const model of models) {
    const recorded = await run(model, `recorded-${model}`, ['--simulated', '--script', 'script.yaml'], trialsOf(model))
    if (recorded.code !== 0) throw new Error(recorded.stderr)
  }
}, 240_000)
afterAll(async () => {
  counter.close()
  await place.close()
})

interface Seen {
  /** Per trial: the tree of every snapshot, and every test of every attempt. */
  readonly trees: Readonly<Record<string, readonly string[]>>
  readonly tests: ReadonlyArray<Omit<TestResult, 'trialId'> & { readonly trial: string }>
  readonly simulated: boolean
  readonly exchanges: readonly Exchange[]
}

async function look(store: Store, name: string): Promise<Seen> {
  const [found] = await store.list('runs', { name })
  const trials = (await store.list('trials', { runId: found?.id ?? '' })).sort((a, b) => (a.name < b.name ? -1 : 1))
  const trees: Record<string, string[]> = {}
  const tests: Array<Seen['tests'][number]> = []
  for (const trial of trials) {
    const attempts = await store.list('attempts', { trialId: trial.id })
    trees[trial.name] = attempts.map(({ snapshot }) => treeOf(trial.snapshots ?? '', snapshot ?? ''))
    for (const { trialId: _, ...test } of await store.list('tests', { trialId: trial.id }))
      tests.push({ ...test, trial: trial.name })
  }
  return { trees, tests, simulated: found?.simulated ?? false, exchanges: await store.exchanges({ runId: found?.id ?? '' }) }
}

const treeOf = (repository: string, commit: string): string =>
  execFileSync('git', ['--git-dir', repository, 'rev-parse', `${commit}^{tree}`], { encoding: 'utf8' }).trim()

async function compare(
  recorded: string,
  replayed: string,
): Promise<{ readonly first: Seen; readonly second: Seen; readonly store: Store }> {
  const store = await openStore(join(place.directory, '.turnpike'), { readOnly: true })
  return { first: await look(store, recorded), second: await look(store, replayed), store }
}

describe('turnpike run --replay', () => {
  it.each(models)('does the work of %s again with no provider: same files, same tests, same answers', async model => {
    const ended = await run(model, `again-${model}`, ['--replay', `recorded-${model}`], trialsOf(model))
    expect(ended.stderr).toContain(`replay of run recorded-${model}`)
    expect(ended.stderr).toMatch(/, 0 not on record/)
    expect(ended.code).toBe(0)
    const { first, second, store } = await compare(`recorded-${model}`, `again-${model}`)
    expect(Object.values(first.trees).flat().length).toBeGreaterThan(2)
    expect(second.trees).toEqual(first.trees)
    expect(second.tests).toEqual(first.tests)
    expect(second.tests.some(test => test.status === 'failed') && second.tests.some(test => test.status === 'passed')).toBe(true)
    expect(second.simulated).toBe(true)
    expect(second.exchanges.map(({ route }) => route)).toEqual(second.exchanges.map(() => 'replay'))
    const outcomes = ({ exchanges }: Seen) => exchanges.map(({ status, outcome }) => `${status} ${outcome}`).sort()
    expect(outcomes(second)).toEqual(outcomes(first))
    expect(outcomes(second).filter(outcome => outcome.startsWith('429')).length).toBeGreaterThan(0)
    await store.close()
  })

  it('asks no provider even where it might, and takes a single trial for a recording', async () => {
    const trials = await place.json<Array<{ id: string; name: string }>>(['trials', 'recorded-sim'])
    const trial = trials.find(({ name }) => name === 'files.mini.1')?.id ?? ''
    const ended = await run('sim', 'counted', ['--replay', trial, '--on-miss', 'forward', '--upstream', counter.url])
    expect([ended.code, ended.stderr, counter.count()]).toEqual([0, expect.stringContaining(', 0 not on record'), 0])
    const { first, second, store } = await compare('recorded-sim', 'counted')
    expect(second.trees).toEqual({ 'files.mini.1': first.trees['files.mini.1'] })
    expect(second.trees['files.mini.1']?.length).toBeGreaterThan(2)
    // The route of these calls is the provider's, but nobody is billed for them.
    const calls = await store.list('calls', { scopeId: second.exchanges[0]?.scope.id ?? '' })
    expect(calls.length).toBeGreaterThan(3)
    expect(calls.map(call => call.costNanoUsd)).toEqual(calls.map(() => null))
    await store.close()
  })

  it('replays a replay, and knows it still for simulated', async () => {
    const ended = await run('sim', 'third', ['--replay', 'again-sim', '--replay-timing', 'recorded'])
    expect(ended.code).toBe(0)
    const { first, second, store } = await compare('recorded-sim', 'third')
    expect(second).toMatchObject({ trees: { 'files.mini.1': first.trees['files.mini.1'] }, simulated: true })
    expect(second.trees['files.mini.1']?.length).toBeGreaterThan(2)
    await store.close()
  })

  it('answers from the whole recording what has no trial of its name, and from another store', async () => {
    const other = words('--store other --replay recorded-sim --replay-store .turnpike')
    const ended = await run('sim', 'elsewhere', other)
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining(', 0 not on record')])
  })

  it('ends an agent that asks for what is not on record, and says so', async () => {
    writeFileSync(join(place.directory, 'other.jsonl'), `${JSON.stringify({ ...task, turns: [turn('three.txt')] })}\n`)
    const ended = await place.run(
      words('run --tasks other.jsonl --agent mini --model other-claude --name missed --replay recorded-sim --json'),
    )
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('1 not on record')
  })
})

describe('what is refused before anything starts', () => {
  it.each([
    [['--replay', 'nothing-of-that-name'], 'E_REF_UNKNOWN'],
    [['--replay', 'recorded-sim', '--simulated'], 'E_USAGE'],
    [['--replay', 'recorded-sim', '--upstream', 'http://127.0.0.1:9'], 'E_USAGE'],
    [['--replay', 'recorded-sim', '--store', 'not-there'], 'E_STORE_UNREADABLE'],
    [['--replay', 'x', '--store', 'not-there', '--replay-store', '.turnpike'], 'E_REF_UNKNOWN'],
  ])('%j', async (args, code) => {
    const ended = await place.ask(['proxy', '--port', '0', ...args])
    expect(ended.code).toBeGreaterThan(0)
    expect(ended.stderr).toContain(code)
  })
})

describe('turnpike proxy --replay', () => {
  it('serves a session to any session, and counts what it did', async () => {
    const proxy = place.start(['proxy', '--replay', 'recorded-sim', '--port', '0'])
    const url = (await proxy.firstLine()).replace('listening ', '')
    const body = JSON.stringify({ model: 'sim', messages: [{ role: 'user', content: 'Not on record' }] })
    const answered = await fetch(`${url}/s/any/v1/chat/completions`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
    expect(answered.headers.get('x-turnpike-error')).toBe('E_REPLAY_MISS')
    proxy.child.kill('SIGTERM')
    const ended = await proxy.ended
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('0 answered, 1 not on record')])
  })
})
