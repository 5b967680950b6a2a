import { describe, expect, it } from 'vitest'
import type { RunEvent } from '../../core/types.ts'
import { recordExchange } from '../store/_conversation.ts'
import { openBench, script } from './_tasks.ts'

describe('a turn', () => {
  it('feeds a failure back, in the same conversation, and stops at the first attempt that passes', async () => {
    const { run, read } = await openBench()
    const first =
      'echo "$2" >> "$HOME/sessions"; echo first; case "$1" in *bye*) echo bye > bye.txt;; *) echo wrong > hello.txt;; esac'
    const next =
      'echo "$2" >> "$HOME/sessions"; cat "$HOME/sessions"; printf "%s" "$1" > "$HOME/told"; case "$1" in The\\ tests*) echo hello > hello.txt;; *) echo bye > bye.txt;; esac'
    const { trials } = await run({ agents: [script(first, next)], attempts: 3 })
    const { states, attempts, turns } = await read(trials[0]?.id ?? '')
    expect(states).toEqual(['passed', 'passed'])
    expect(turns.map(turn => turn.attempts)).toEqual([2, 1])
    expect(attempts.map(one => [one.turn, one.attempt, one.passed])).toEqual([
      [1, 1, false],
      [1, 2, true],
      [2, 1, true],
    ])
    expect(attempts[1]?.feedback).toMatch(/^The tests for this turn failed: 0 of 1 passed\.[\s\S]*FAILED {2}greets\n/)
    expect(attempts[1]?.feedback).not.toContain('The request was')
    const sessions = attempts[2]?.agentOutput.trim().split('\n') ?? []
    expect(sessions).toHaveLength(3)
    expect(new Set(sessions).size).toBe(1)
  })

  it('lets a pass stand whatever the exit status of the agent says', async () => {
    const { run, read } = await openBench()
    const { trials } = await run({ agents: [script('echo hello > hello.txt; echo bye > bye.txt; exit 1')] })
    expect((await read(trials[0]?.id ?? '')).states).toEqual(['passed', 'passed'])
    expect(trials[0]?.outcome?.kind).toBe('finished')
  })

  it('starts each turn without memory when asked to', async () => {
    const { run, read, events } = await openBench()
    const { trials } = await run({ agents: [script('echo "$2"', null)], freshSession: true, attempts: 2 })
    const { attempts } = await read(trials[0]?.id ?? '')
    expect(new Set(attempts.map(one => one.agentOutput)).size).toBe(4)
    expect(attempts[1]?.feedback).toContain('The request was:\n\nWrite hello')
    expect(events.find(event => event.type === 'trial-started')?.data).toMatchObject({ session: 'fresh' })
    const resuming = await run({ agents: [script('echo "$2"')], freshSession: true, attempts: 2 })
    const sessions = (await read(resuming.trials[0]?.id ?? '')).attempts.map(one => one.agentOutput)
    expect([sessions[0] === sessions[1], sessions[1] === sessions[2], sessions[2] === sessions[3]]).toEqual([true, false, true])
  })
})

describe('a turn that failed on the provider', () => {
  const failing = async (failure: {
    status: number | null
    outcome: 'complete' | 'refused'
    failure: { code: string; message: string } | null
  }) => {
    const bench = await openBench()
    const { store } = bench
    // What the proxy would have recorded while the agent ran.
    const spying = {
      ...store,
      put: async (noun: string, rows: readonly unknown[]) => {
        await store.put(noun as 'events', rows as never)
        const [event] = rows as readonly RunEvent[]
        if (noun !== 'events' || event?.type !== 'agent-ended') return
        const { turn, attempt } = event.data as { turn: number; attempt: number }
        const at = { scope: { kind: 'trial', id: event.trialId ?? '' } as const, turn, attempt }
        await recordExchange(store, '{}', '', { ...at, protocol: 'openai-chat', path: '/v1/chat/completions' }, failure)
      },
    } as typeof store
    const { trials } = await bench.run({ store: spying, agents: [script('exit 1')], attempts: 3 })
    return { trial: trials[0], ...(await bench.read(trials[0]?.id ?? '')) }
  }

  it('is never a zero', async () => {
    const { trial, states, attempts } = await failing({ status: 401, outcome: 'complete', failure: null })
    expect(trial?.outcome).toEqual({
      kind: 'environment-failed',
      reason: 'the provider answered the last model call with status 401',
    })
    expect(states).toEqual(['infra-error', 'infra-error'])
    expect(attempts).toHaveLength(1)
  })

  it('is a failed cell when the budget was spent, and the rest is not reached', async () => {
    const { trial, states } = await failing({
      status: 429,
      outcome: 'refused',
      failure: { code: 'E_BUDGET_SPENT', message: 'calls' },
    })
    expect(trial?.outcome?.kind).toBe('over-budget')
    expect(states).toEqual(['failed', 'not-reached'])
  })

  it("is the agent's own when its request was wrong", async () => {
    const { states } = await failing({ status: 400, outcome: 'complete', failure: null })
    expect(states).toEqual(['agent-error', 'agent-error'])
  })
})
