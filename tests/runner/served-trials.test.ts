// Agents whose conversation lives in a process (Agent Client Protocol): a resumed trial begins at its first turn and says why, with a fresh session;
// a fork begins after the turn, with a conversation of its own as every fork does. The agent is the small one of drivers/_fake-agent.mjs.
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { Task } from '../../core/task.ts'
import { findKept, readOrigin } from '../../runner/continuation.ts'
import { makeDirectory, waitFor } from './_sandbox.ts'
import { openBench } from './_tasks.ts'

const fake = fileURLToPath(new URL('drivers/_fake-agent.mjs', import.meta.url))

/** `gemini --acp` on the search path is our small agent. */
function installFake(): string {
  const directory = join(makeDirectory(), 'bin')
  mkdirSync(directory)
  copyFileSync(fake, join(directory, 'fake.mjs'))
  const program = join(directory, 'gemini')
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${join(directory, 'fake.mjs')} acp\n`)
  chmodSync(program, 0o755)
  return `${directory}:${dirname(process.execPath)}:/usr/bin:/bin`
}

/** What is asked is what it does: `write` makes made.txt, `hang` never ends. */
const taskOf = (second: string): Task => ({
  id: 'served',
  title: 'Served',
  files: {},
  turns: ['write', second].map((instruction, at) => ({
    index: at + 1,
    instruction,
    verifier: { files: {}, command: ['sh', '-c', 'test -f made.txt'], timeoutMs: 30_000 },
    solution: null,
    timeoutMs: null,
  })),
  source: { file: 'served.jsonl', line: 1 },
})
const agents = [{ id: 'gemini-cli', model: 'm', driver: 'acp' as const }]

it('a resumed trial begins at its first turn and says why', async () => {
  const { run, store, read, events } = await openBench()
  const path = installFake()
  const stop = new AbortController()
  const running = run({ agents, tasks: [taskOf('hang')], path, signal: stop.signal })
  await waitFor(() => events.some(event => event.type === 'turn-ended'), 60_000)
  stop.abort()
  const before = await running
  const first = before.trials[0]?.id ?? ''
  expect((await read(first)).states).toEqual(['passed', 'missing'])
  const after = await run({ agents, tasks: [taskOf('again')], path, resumeRunId: before.run.id })
  const next = after.trials[0]?.id ?? ''
  expect((await read(next)).states).toEqual(['passed', 'passed'])
  expect(await readOrigin(store, next)).toBeNull()
  expect((await store.list('events', { trialId: next, type: 'trial-begun-again' })).map(event => event.data)).toEqual([
    { name: 'served.gemini-cli.1', from: first, reason: 'its conversation lived in a process (acp) that has ended' },
  ])
  // Both turns are its own, in one conversation that the first try has no part in.
  const said = (await read(next)).attempts.map(attempt => attempt.agentOutput)
  expect(said).toEqual([expect.stringContaining('heard: write'), expect.stringContaining('heard: write, again')])
}, 120_000)

it('a fork goes on from the files with a conversation of its own', async () => {
  const { run, store, read } = await openBench()
  const path = installFake()
  const { trials } = await run({ agents, tasks: [taskOf('again')], path })
  const from = trials[0]?.id ?? ''
  const kept = await findKept(store, from, 1)
  if (kept === null) throw new Error('nothing was kept after turn 1')
  const forked = await run({ agents, tasks: [taskOf('on')], path, fork: { kind: 'forked', trialId: from, kept } })
  const id = forked.trials[0]?.id ?? ''
  const { states, attempts } = await read(id)
  expect(states).toEqual(['passed', 'skipped'])
  expect(attempts.map(attempt => [attempt.turn, attempt.agentOutput.trim()])).toEqual([[2, expect.stringMatching(/heard: on$/)]])
  expect((await store.list('events', { trialId: id, type: 'trial-forked' })).map(event => event.data)).toMatchObject([
    { from, turn: 1, whole: true },
  ])
}, 120_000)
