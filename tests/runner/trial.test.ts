import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeDirectory } from './_sandbox.ts'
import { openBench, script, task } from './_tasks.ts'

describe('a trial', () => {
  it('gives each trial a token of its own that dies with it', async () => {
    const { run, store, read } = await openBench()
    const agent = script('')
    const told = {
      ...agent,
      command: {
        ...agent.command,
        first: ['sh', '-c', 'echo $URL $KEY; echo {token}'],
        next: ['true'],
        env: { URL: '{base_url_openai}', KEY: '{token}' },
      },
    }
    const { trials } = await run({ agents: [told], trials: 2 })
    expect(trials.map(trial => trial.name)).toEqual(['greeting.command.1', 'greeting.command.2'])
    const outputs = await Promise.all(trials.map(async trial => (await read(trial.id)).attempts[0]?.agentOutput ?? ''))
    for (const output of outputs) expect(output).toMatch(/^http:\/\/127\.0\.0\.1:9\/t\/\*+\/v1 \*+\n\*+\n$/)
    const minted: string[] = []
    const spying = {
      ...store,
      mintToken: async (id: string) => {
        const token = await store.mintToken(id)
        minted.push(token)
        expect(await store.resolveToken(token)).toMatchObject({ trialId: id })
        return token
      },
    }
    await run({ store: spying, agents: [told], trials: 2 })
    expect(new Set(minted).size).toBe(2)
    for (const token of minted) expect(await store.resolveToken(token)).toBeNull()
  })

  it('tells a wrong solution, a broken agent and a slow one apart', async () => {
    const { run, read } = await openBench()
    const slow = { ...task, turns: task.turns.map(turn => ({ ...turn, timeoutMs: 400 })) }
    const cases = [
      [script('true'), task, 'finished', 'failed'],
      [script('exit 9'), task, 'agent-failed', 'agent-error'],
      [script('sleep 60'), slow, 'timed-out', 'failed'],
    ] as const
    for (const [agent, of, outcome, state] of cases) {
      const { trials } = await run({ agents: [agent], tasks: [of] })
      expect(trials[0]?.outcome?.kind).toBe(outcome)
      expect((await read(trials[0]?.id ?? '')).states).toEqual([state, state])
    }
    const { trials } = await run({ agents: [{ ...script(''), command: { ...script('').command, first: ['/no-such-agent'] } }] })
    expect(trials[0]?.outcome).toEqual({ kind: 'environment-failed', reason: expect.stringContaining('no-such-agent') })
    expect((await read(trials[0]?.id ?? '')).states).toEqual(['infra-error', 'infra-error'])
  })

  it('lays it at the door of an agent that has run when it cannot be started again', async () => {
    const { run, read } = await openBench()
    const own = script('echo hello > hello.txt')
    const { trials } = await run({ agents: [{ ...own, command: { ...own.command, next: ['./removed-by-itself'] } }] })
    expect(trials[0]?.outcome).toEqual({ kind: 'agent-failed', reason: expect.stringContaining('could not be started') })
    expect((await read(trials[0]?.id ?? '')).states).toEqual(['passed', 'agent-error'])
  })

  it('never scores a broken verifier: retried, then excluded', async () => {
    const { run, read, events } = await openBench()
    const broken = {
      ...task,
      turns: task.turns.map(turn => ({ ...turn, verifier: { ...turn.verifier, command: ['verifier-that-is-not-there'] } })),
    }
    const { trials } = await run({ tasks: [broken] })
    expect(trials[0]?.outcome).toEqual({
      kind: 'environment-failed',
      reason: expect.stringContaining('the verifier cannot be run'),
    })
    expect((await read(trials[0]?.id ?? '')).states).toEqual(['infra-error', 'infra-error'])
    expect(events.filter(event => event.type === 'environment-retried')).toHaveLength(2)
  })

  it('ends the trial of a task whose files are wrong, and no other', async () => {
    const { run, read } = await openBench()
    const directory = makeDirectory()
    symlinkSync('/etc/passwd', join(directory, 'passwd'))
    const wrong = { ...task, id: 'wrong', trees: [{ directory, to: '.' }] }
    const { run: ended, trials } = await run({ tasks: [wrong, task] })
    expect(ended.state).toBe('finished')
    expect(trials.map(trial => trial.outcome?.kind)).toEqual(['environment-failed', 'finished'])
    expect(trials[0]?.outcome?.reason).toContain('is a link that leads out of')
    expect((await read(trials[0]?.id ?? '')).states).toEqual(['infra-error', 'infra-error'])
  })
})

describe('an agent that spoils its place', () => {
  it.each([
    ['removes its workspace', 'cd /; rm -rf "$OLDPWD"'],
    ['locks its workspace', 'mkdir a; chmod 000 a .'],
    ['puts a link in its place', 'cd /; rm -rf "$OLDPWD"; ln -s /etc "$OLDPWD"'],
  ])('%s: fails its own turn, and can do better in the next', async (_, spoil) => {
    const { run, read } = await openBench()
    const agent = script(spoil, 'printf "hello\\n" > hello.txt; printf "bye\\n" > bye.txt')
    const { trials } = await run({ agents: [agent], isolation: 'none' })
    const { states, attempts } = await read(trials[0]?.id ?? '')
    expect(states).toEqual(['failed', 'passed'])
    expect(trials[0]?.outcome).toMatchObject({ kind: 'finished' })
    expect(attempts.every(attempt => attempt.snapshot !== null)).toBe(true)
  })
})
