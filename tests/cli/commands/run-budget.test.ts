// Runs with budgets and faults, as processes: what ends over-budget, what goes on, and what is told of it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunEvent } from '../../../core/types.ts'
import { openStore } from '../../../store/open.ts'
import { openPlace, type Place, readLast, words } from '../_cli.ts'

const turn = (name: string) => ({
  instruction: `Make the file ${name}.`,
  verifier: { files: {}, command: ['sh', '-c', `test -f ${name}`], timeout_ms: 20_000 },
})
const task = (id: string) => ({ id, title: id, files: {}, turns: [turn('one.txt'), turn('two.txt')] })
const script = `version: 1
rules:
  - when: { user: "one.txt" }
    steps: [{ shell: "echo hello > one.txt" }, { text: "done" }]
  - when: { user: "two.txt" }
    steps: [{ shell: "echo hello > two.txt" }, { text: "done" }]
`

interface RunJson {
  readonly id: string
  readonly trials: ReadonlyArray<{
    readonly id: string
    readonly name: string
    readonly outcome: string
    readonly reason: string | null
  }>
  readonly score: { readonly agents: ReadonlyArray<Record<string, unknown>> }
}

let place: Place
beforeAll(() => {
  place = openPlace()
  writeFileSync(join(place.directory, 'tasks.jsonl'), `${JSON.stringify(task('a'))}\n${JSON.stringify(task('b'))}\n`)
  writeFileSync(join(place.directory, 'script.yaml'), script)
})
afterAll(() => place.close())

const simulated = ['--simulated', '--script', 'script.yaml', '--json']
async function run(...args: string[]): Promise<{ run: RunJson; stderr: string; code: number | null }> {
  const line = words('run --tasks tasks.jsonl --agent mini --model sim --concurrency 1')
  const ended = await place.run([...line, ...simulated, ...args])
  if (ended.stdout === '') throw new Error(ended.stderr)
  return { run: readLast(ended.stdout), stderr: ended.stderr, code: ended.code }
}
async function eventsOf(runId: string): Promise<RunEvent[]> {
  const store = await openStore(join(place.directory, '.turnpike'), { readOnly: true })
  return store.list('events', { runId }).finally(() => store.close())
}

describe('a run with a budget', () => {
  it('for each trial ends every trial that passes it, and keeps what was solved before', async () => {
    const { run: ended, stderr, code } = await run('--max-trial-calls', '2')
    expect(code).toBe(1)
    expect(ended.trials.map(one => one.outcome)).toEqual(['over-budget', 'over-budget'])
    expect(ended.trials[0]?.reason).toContain('E_BUDGET_CALLS budget.trial.calls of trial a.mini.1: 2 of 2 model calls are made')
    expect(ended.score.agents[0]).toMatchObject({ mean_turn_pass: 0.5 })
    expect(stderr).toMatch(/a\.mini\.1 {2}over-budget, 1 of 2 turns passed, 2 calls, [\d.k]+ in.*, \d+ out, .*E_BUDGET_CALLS/)
    const metered = (await eventsOf(ended.id)).filter(event => event.type === 'trial-metered')
    expect(metered.at(-1)?.data).toMatchObject({ name: 'b.mini.1', calls: 2, pricedCalls: 0, unpricedCalls: 2, nanoUsd: 0 })
    const shown = await place.ask(['report', ended.id])
    expect(shown.stdout).toContain('budget.trial.calls=2')
  })

  it('for all of it starts no agent once it is spent', async () => {
    const first = await run('--max-run-calls', '2', '--name', 'capped')
    expect(first.run.trials.map(one => one.outcome)).toEqual(['over-budget', 'over-budget'])
    expect(first.run.trials[1]?.reason).toContain('budget.run.calls of run capped: 2 of 2 model calls are made')
    const events = (await eventsOf(first.run.id)).filter(event => event.trialId === first.run.trials[1]?.id)
    expect(events.map(event => event.type)).toEqual(['trial-started', 'turns-settled', 'trial-ended'])
    expect(first.run.score.agents[0]).toMatchObject({ mean_turn_pass: 0.25 })
  })

  it('that cannot be held is refused before anything is started', async () => {
    const ended = await place.ask(words('run --tasks tasks.jsonl --agent mini --model sim --simulated --max-trial-cost-usd 1'))
    expect(ended.code).toBe(2)
    expect(ended.stderr).toContain('budget.trial.cost_usd cannot be held: the simulated provider has no prices')
  })
})

describe('a run with faults', () => {
  it('is survived by an agent that tries again, and says so in the record', async () => {
    const { run: ended } = await run('--inject', '529 call=1; cut after=2 call=3; seed=4', '--name', 'faulty')
    expect(ended.trials.map(one => one.outcome)).toEqual(['finished', 'finished'])
    const shown = await place.json<{
      calls: Array<{ failure: { code: string; message: string } | null; status: number; outcome: string }>
    }>(['show', 'faulty'])
    const injected = shown.calls.filter(call => call.failure?.code === 'E_INJECTED_FAULT')
    expect(injected.map(call => [call.status, call.outcome])).toEqual(expect.arrayContaining([[529, 'complete']]))
    expect(injected[0]?.failure?.message).toBe('injected on purpose: 529 call=1 (rule 1, seed 4, call 1 of a.mini.1)')
    expect((await place.ask(['show', 'faulty'])).stdout).toContain('injected on purpose: 529 call=1')
    expect((await place.ask(['report', 'faulty'])).stdout).toContain('faults were injected on purpose (529 call=1;')
  })

  it("is its agent's own when it gives up, not the provider's", async () => {
    const { run: ended } = await run('--inject', '401')
    expect(ended.trials.map(one => one.outcome)).toEqual(['agent-failed', 'agent-failed'])
    expect(ended.score.agents[0]).toMatchObject({ mean_turn_pass: 0 })
  })

  it('that are misspelt are refused before a store is made', async () => {
    const ended = await place.ask(['proxy', '--simulated', '--inject', '429 rat=1', '--store', 'none'])
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining('--inject, rule 1, character 5: unknown word "rat"')])
  })
})
