import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import type { Task } from '../../core/task.ts'
import { openBench, script, task } from './_tasks.ts'

const withVerifier = (turn: number, commandLine: string): Task => ({
  ...task,
  turns: task.turns.map(one =>
    one.index === turn ? { ...one, verifier: { ...one.verifier, command: ['sh', '-c', commandLine] } } : one,
  ),
})

describe('an attempt', () => {
  it('records a snapshot of every attempt and removes the trial directories', async () => {
    const { run, read } = await openBench()
    const { trials } = await run({})
    const snapshots = trials[0]?.snapshots ?? ''
    const attempts = (await read(trials[0]?.id ?? '')).attempts
    const show = (...argv: string[]): string => execFileSync('git', ['--git-dir', snapshots, ...argv], { encoding: 'utf8' })
    expect(show('ls-tree', '--name-only', attempts[1]?.snapshot ?? '')).toBe('README.md\nbye.txt\nhello.txt\n')
    expect(show('log', '--format=%s', 'attempts')).toBe('turn 2, attempt 1\nturn 1, attempt 1\nbefore turn 1\n')
    // What the agent was given, so that its first attempt can be told from it.
    expect(show('ls-tree', '--name-only', 'attempts~2')).toBe('README.md\n')
    expect(readdirSync(tmpdir()).filter(name => name.includes(trials[0]?.id ?? '?'))).toEqual([])
  })

  it('moves the trial in the store before the agent starts', async () => {
    const { run, store, events } = await openBench()
    const seen: unknown[] = []
    const original = store.put
    const spying = {
      ...store,
      put: async (noun: string, rows: readonly unknown[]) => {
        await original(noun as 'events', rows as never)
        if (noun !== 'events' || (rows[0] as { type: string }).type !== 'attempt-started') return
        const [trial] = await store.list('trials')
        seen.push([trial?.state, trial?.turn, trial?.attempt])
      },
    } as typeof store
    await run({ store: spying, agents: [{ id: 'nop', model: null }], attempts: 2 })
    expect(seen).toEqual([
      ['running', 1, 1],
      ['running', 1, 2],
      ['running', 2, 1],
      ['running', 2, 2],
    ])
    expect(events.length).toBeGreaterThan(0)
  })

  it('shows the agent nothing of the verifier and nothing of the host', async () => {
    const { run, read } = await openBench()
    process.env['OPENAI_API_KEY'] = 'sk-host-secret'
    const look = 'env; cat "$HOME"/* 2>/dev/null; ls -AR . ..'
    const { trials } = await run({ agents: [script(look)], attempts: 2 })
    delete process.env['OPENAI_API_KEY']
    const { attempts } = await read(trials[0]?.id ?? '')
    expect(attempts).toHaveLength(4)
    for (const { agentOutput } of attempts) {
      expect(agentOutput).toContain('README.md')
      expect(agentOutput).not.toMatch(/hidden\.test|sk-host-secret|says farewell|TURNPIKE_RESULTS/)
    }
  })

  it('does not let a daemon of one turn touch the next', async () => {
    const { run, read } = await openBench()
    const daemon =
      'setsid sh -c "while :; do echo hello > hello.txt; sleep 0.05; done" > /dev/null 2>&1 & sleep 0.3; rm -f hello.txt; true'
    const { trials } = await run({
      agents: [script(daemon, 'test -e hello.txt && cp hello.txt seen; rm -f hello.txt; sleep 0.3; ls')],
    })
    const { attempts } = await read(trials[0]?.id ?? '')
    expect(attempts[1]?.agentOutput).not.toContain('hello.txt')
  })
})

it('counts every case of a verifier that reports through a file', async () => {
  const { run, read } = await openBench()
  const report = '<testsuite><testcase name=\\"a\\"/><testcase name=\\"b\\"><failure message=\\"no\\"/></testcase></testsuite>'
  const { trials } = await run({ tasks: [withVerifier(1, `echo "${report}" > "$TURNPIKE_RESULTS"`)], toTurn: 1 })
  expect((await read(trials[0]?.id ?? '')).attempts[0]).toMatchObject({ passed: false, testsPassed: 1, testsTotal: 2 })
})
