// One real agent on a task of two turns, as `turnpike run` would play it, with a store and a scripted provider of its own.
import { join } from 'node:path'
import type { Task, TaskTurn } from '../../core/task.ts'
import type { AttemptRecord, TurnState } from '../../core/types.ts'
import { startProxy } from '../../proxy/server.ts'
import { singleUpstream } from '../../proxy/single-upstream.ts'
import { refuseStrangers } from '../../proxy/strangers.ts'
import type { AgentSpec } from '../../runner/agents/_adapter.ts'
import { executeRun } from '../../runner/run.ts'
import { parseScript } from '../../scenarios/simulated/script.ts'
import { startSimulated } from '../../scenarios/simulated/server.ts'
import type { Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { makeDirectory, never } from '../runner/_sandbox.ts'

/** Replies of a model that is offered no tools and types. */
const typing = (text: string, complete: boolean): string => {
  const commands = text === '' ? [] : [{ keystrokes: `${text}\n`, duration: 1 }]
  return `{ steps: [{ text: '${JSON.stringify({ analysis: 'a', plan: 'p', commands, task_complete: complete })}' }]`
}
export const typingModel = 'model-that-types'
const script = parseScript(
  `version: 1
rules:
  - ${typing('echo hi > hello.txt', false)}, when: { model: "${typingModel}", user: "Create hello.txt" } }
  - ${typing('echo bye > hello.txt', false)}, when: { model: "${typingModel}", user: "make it say bye" } }
  - ${typing('', true)}, when: { model: "${typingModel}" } }
  - when: { user: "hello.txt" }
    steps: [{ text: "I will write it.", shell: "echo hi > hello.txt" }, { text: "Done: hello.txt says hi." }]
  - when: { user: "bye" }
    steps: [{ thinking: "Overwrite it.", shell: "echo bye > hello.txt" }, { text: "Done: hello.txt says bye." }]
`,
  'real-agents.yaml',
)

const turn = (index: number, instruction: string, word: string): TaskTurn => ({
  index,
  instruction,
  verifier: { files: {}, command: ['sh', '-c', `test "$(cat hello.txt)" = ${word}`], timeoutMs: 20_000 },
  solution: null,
  timeoutMs: 120_000,
})

/** The first request begins with a dash: what an agent would take for an option of its own. */
const task: Task = {
  id: 'hello',
  title: 'A file that is made and changed',
  files: { 'README.md': 'A workspace.\n' },
  turns: [turn(1, '- Create hello.txt containing hi.', 'hi'), turn(2, 'Now make it say bye.', 'bye')],
  source: { file: 'real-agents.test.ts', line: 1 },
}

export interface Played {
  readonly turns: readonly TurnState[]
  readonly attempts: readonly AttemptRecord[]
  /** Times the agent could not go on from what was said before. */
  readonly lost: number
  readonly callsPerTurn: readonly number[]
  /** Bodies of the model calls of turn 2. */
  readonly secondTurnRequests: readonly string[]
}

export async function playAgent(spec: AgentSpec, environment: string, agentsDirectory: string): Promise<Played> {
  const directory = makeDirectory()
  const store = await openStore(join(directory, 'store'))
  const simulated = await startSimulated({ seed: 1, script })
  const routes = singleUpstream(simulated.url)
  const proxy = await startProxy({
    ...{ store, host: '127.0.0.1', port: 0, routes, onRecordFailure: 'refuse', version: 'test' },
    admit: refuseStrangers(),
  })
  try {
    const result = await executeRun({
      ...{ store, tasks: [task], agents: [spec], trials: 1, attempts: 1, feedback: 'none', onFailure: 'continue' },
      ...{ environment, concurrency: 1, proxyUrl: proxy.url, freshSession: false, config: null, simulated: true },
      ...{ turnpikeVersion: 'test', directory: join(directory, 'work'), signal: never, onEvent: () => undefined },
      ...(process.env['PATH'] === undefined ? {} : { path: process.env['PATH'] }),
      layers: { directory: agentsDirectory, env: process.env, onProgress: () => undefined },
    })
    await proxy.drain(2_000)
    return await readPlayed(store, result.trials[0]?.id ?? '')
  } finally {
    await store.close()
    await simulated.close()
  }
}

async function readPlayed(store: Store, trialId: string): Promise<Played> {
  const turns = await store.list('turns', { trialId })
  const attempts = await store.list('attempts', { trialId })
  const events = await store.list('events', { trialId })
  const exchanges = (await store.exchanges({ scopeId: trialId })).filter(({ protocol }) => protocol !== null)
  const second = exchanges.filter(exchange => exchange.turn === 2 && exchange.method === 'POST')
  const bodies = await Promise.all(second.map(async ({ id }) => (await store.readBody(id, 'request'))?.bytes.toString() ?? ''))
  return {
    turns: turns.map(({ state }) => state),
    attempts,
    lost: events.filter(({ type }) => type === 'conversation-lost').length,
    callsPerTurn: [1, 2].map(index => exchanges.filter(exchange => exchange.turn === index).length),
    secondTurnRequests: bodies,
  }
}
