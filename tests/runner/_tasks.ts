// A two-turn task that really is solved by its solutions, and the plumbing of a run around it.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Task } from '../../core/task.ts'
import type { RunEvent } from '../../core/types.ts'
import { executeRun, type RunOptions } from '../../runner/run.ts'
import { openStore } from '../../store/open.ts'
import { atEnd, makeDirectory, never } from './_sandbox.ts'

const verify = (lines: string): Record<string, string> => ({
  'hidden.test.mjs': `import test from 'node:test'\nimport assert from 'node:assert'\nimport fs from 'node:fs'\n${lines}`,
})
const command = [process.execPath, '--test', '--test-reporter=tap', 'hidden.test.mjs']
const first = "test('greets', () => assert.equal(fs.readFileSync('hello.txt', 'utf8'), 'hello\\n'))\n"
const second = "test('says farewell', () => assert.equal(fs.readFileSync('bye.txt', 'utf8'), 'bye\\n'))\n"

export const task: Task = {
  id: 'greeting',
  title: 'Greeting',
  files: { 'README.md': 'start\n' },
  turns: [
    {
      index: 1,
      instruction: 'Write hello into hello.txt',
      verifier: { files: verify(first), command, timeoutMs: 30_000 },
      solution: ['sh', '-c', 'echo hello > hello.txt'],
      timeoutMs: null,
    },
    {
      index: 2,
      instruction: 'Write bye into bye.txt',
      verifier: { files: verify(first + second), command, timeoutMs: 30_000 },
      solution: ['sh', '-c', 'echo bye > bye.txt'],
      timeoutMs: null,
    },
  ],
  source: { file: 'greeting.jsonl', line: 1 },
}

/** An agent that is a shell script: `$1` is the instruction, `$2` the session. */
export const script = (text: string, next: string | null = text) => {
  const argv = (body: string): string[] => ['sh', '-c', body, 'agent', '{instruction}', '{session}']
  return {
    id: 'command',
    model: null,
    command: { first: argv(text), next: next === null ? null : argv(next), stdin: null, env: {} },
  }
}

export async function openBench() {
  const directory = makeDirectory()
  const store = await openStore(join(directory, 'store'), {})
  atEnd(() => store.close())
  mkdirSync(join(directory, 'files'))
  const events: RunEvent[] = []
  const run = (change: Partial<RunOptions>) =>
    executeRun({
      store,
      tasks: [task],
      agents: [{ id: 'oracle', model: null }],
      trials: 1,
      attempts: 1,
      feedback: 'detailed',
      onFailure: 'continue',
      environment: 'local',
      concurrency: 2,
      proxyUrl: 'http://127.0.0.1:9',
      freshSession: false,
      config: { tasks: 'greeting.jsonl' },
      simulated: false,
      turnpikeVersion: '0.0.0-test',
      directory: join(directory, 'files'),
      path: process.env['PATH'] ?? '',
      signal: never,
      onEvent: event => events.push(event),
      ...change,
    })
  const read = async (trialId: string) => ({
    turns: await store.list('turns', { trialId }),
    states: (await store.list('turns', { trialId })).map(turn => turn.state),
    attempts: await store.list('attempts', { trialId }),
    tests: await store.list('tests', { trialId }),
  })
  return { store, events, run, read, directory }
}
