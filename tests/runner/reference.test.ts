import { describe, expect, it } from 'vitest'
import { openBench, script, task } from './_tasks.ts'

describe('when a turn has failed for good', () => {
  const probe = 'ls; printf "%s" "$1" | head -1; echo junk > junk.txt'

  it('continue goes on with what the agent left', async () => {
    const { run, read } = await openBench()
    const { trials } = await run({ agents: [script(probe)], onFailure: 'continue' })
    const { states, attempts } = await read(trials[0]?.id ?? '')
    expect(states).toEqual(['failed', 'failed'])
    expect(attempts[1]?.agentOutput).toBe('README.md\njunk.txt\nWrite bye into bye.txt')
  })

  it('stop leaves the later turns not reached', async () => {
    const { run, read } = await openBench()
    const { trials } = await run({ agents: [script(probe)], onFailure: 'stop' })
    expect((await read(trials[0]?.id ?? '')).states).toEqual(['failed', 'not-reached'])
    expect(trials[0]?.outcome?.kind).toBe('finished')
  })

  it('rollback sets the workspace back and says so to the agent', async () => {
    const { run, read, events } = await openBench()
    const { trials } = await run({ agents: [script(probe)], onFailure: 'rollback' })
    const { attempts } = await read(trials[0]?.id ?? '')
    expect(attempts[1]?.agentOutput).toMatch(
      /^README\.md\nNote: the last request was not fulfilled\. The working directory has been set back/,
    )
    expect(events.find(event => event.type === 'workspace-reset')?.data).toMatchObject({ to: 'last-passed', turn: 1 })
  })

  it('reset-to-reference continues from a correct workspace', async () => {
    const { run, read } = await openBench()
    const agent = script('echo junk > junk.txt', 'ls; cat hello.txt; echo bye > bye.txt')
    const { trials } = await run({ agents: [agent], onFailure: 'reset-to-reference' })
    const { states, attempts } = await read(trials[0]?.id ?? '')
    expect(states).toEqual(['failed', 'passed'])
    expect(attempts[1]?.agentOutput).toBe('README.md\nhello.txt\nhello\n')
  })
})

describe('a window of turns', () => {
  it('does the earlier turns by reference solution and skips the later ones', async () => {
    const { run, read } = await openBench()
    const later = await run({ agents: [script('cat hello.txt; echo bye > bye.txt', null)], fromTurn: 2 })
    expect((await read(later.trials[0]?.id ?? '')).turns.sort((a, b) => a.turn - b.turn).map(turn => turn.state)).toEqual([
      'skipped',
      'passed',
    ])
    const earlier = await run({ toTurn: 1 })
    expect((await read(earlier.trials[0]?.id ?? '')).states).toEqual(['passed', 'skipped'])
    await expect(run({ fromTurn: 3 })).rejects.toThrow(/greeting has 2 turns/)
  })

  it('calls a reference solution that fails a broken task, not a failed turn', async () => {
    const { run, read } = await openBench()
    const broken = { ...task, turns: task.turns.map(turn => ({ ...turn, solution: ['sh', '-c', 'echo why >&2; exit 3'] })) }
    const { trials } = await run({ tasks: [broken], fromTurn: 2, agents: [{ id: 'nop', model: null }] })
    expect(trials[0]?.outcome).toEqual({
      kind: 'environment-failed',
      reason: expect.stringMatching(/reference solution of turn 1 failed: .*exit status 3: why/),
    })
    expect((await read(trials[0]?.id ?? '')).turns.sort((a, b) => a.turn - b.turn).map(turn => turn.state)).toEqual([
      'skipped',
      'infra-error',
    ])
  })
})
