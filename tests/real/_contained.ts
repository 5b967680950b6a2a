// A task that comes with Turnpike, played by an agent in a container as `turnpike run` would play it: a store, the proxy and a scripted
// provider whose model runs, through whatever tool the agent offers, the reference solution of the step it is asked for.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Task, TaskTurn } from '../../core/task.ts'
import type { AttemptRecord, RunEvent, Trial } from '../../core/types.ts'
import { startProxy } from '../../proxy/server.ts'
import { singleUpstream } from '../../proxy/single-upstream.ts'
import { refuseStrangers } from '../../proxy/strangers.ts'
import type { AgentSpec } from '../../runner/agents/_adapter.ts'
import { executeRun } from '../../runner/run.ts'
import { loadTasks } from '../../runner/tasks/_all.ts'
import { parseScript } from '../../scenarios/simulated/script.ts'
import { startSimulated } from '../../scenarios/simulated/server.ts'
import type { Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { makeDirectory, never } from '../runner/_sandbox.ts'
import { writeReply } from '../runner/terminus/_simulated.ts'

const tasksDirectory = fileURLToPath(new URL('../../configs/tasks', import.meta.url))

/** What the model says first in a turn; found again in what is sent later. */
export const remarkOf = (turn: number): string => `I take up round ${turn} (remark ${turn}).`
/** Of each turn, in the words of the request: what no other turn's request says. */
export const phraseOf = (turn: TaskTurn): string => /^[\w ,.:]{8,}/.exec(turn.instruction)?.[0].trimEnd() ?? turn.instruction

/** The task over another base: its own cannot be pulled everywhere. */
export async function loadTask(id: string, context: string): Promise<Task> {
  const task = (await loadTasks(tasksDirectory)).tasks.find(one => one.id === id)
  if (task?.environment == null) throw new Error(`there is no task ${id}`)
  const image = { kind: 'build', context, dockerfile: 'Dockerfile' } as const
  return { ...task, environment: { ...task.environment, image } }
}

export const solutionOf = (task: Task, { name = '', index }: TaskTurn): string => {
  const text = readFileSync(join(tasksDirectory, task.id, 'steps', name, 'solution', 'solve.sh'), 'utf8')
  return `${text.replace(/^#!.*\n/, '').trimEnd()}\necho "round ${index}" >> /app/progress.txt`
}

export type Steps = (task: Task, turn: TaskTurn) => ReadonlyArray<{ readonly when: string; readonly steps: readonly object[] }>

/** For agents that offer a tool which runs commands. */
export const byTool: Steps = (task, turn) => [
  {
    when: phraseOf(turn),
    steps: [{ text: remarkOf(turn.index), shell: solutionOf(task, turn) }, { text: `Round ${turn.index} is done.` }],
  },
]

/** For `terminus`: the same as keystrokes, and once more that it is done. */
export const byKeys: Steps = (task, turn) => [
  {
    when: phraseOf(turn),
    // Typed into an interactive shell, in which an exclamation mark would stand for an earlier command.
    steps: [
      {
        text: writeReply({
          analysis: remarkOf(turn.index),
          commands: ['set +H\n', `${solutionOf(task, turn)}\n`],
          complete: true,
        }),
      },
    ],
  },
  { when: 'You say that the task is complete', steps: [{ text: writeReply({ complete: true }) }] },
]

export interface Sent {
  readonly turn: number | null
  readonly text: string
}

export interface Played {
  readonly trial: Trial
  readonly rewards: readonly unknown[]
  readonly events: readonly RunEvent[]
  readonly attempts: readonly AttemptRecord[]
  /** Paths of what was asked of the proxy without the trial's token. */
  readonly strange: readonly string[]
  /** Requests to the model, in order; calls beside the conversation included. */
  readonly sent: readonly Sent[]
  /** A file of the workspace as it was recorded after a turn. */
  readonly show: (turn: number, file: string) => string
}

interface Play {
  readonly task: Task
  readonly spec: AgentSpec
  readonly agentsDirectory: string
  readonly steps?: Steps
}

export async function playInContainer({ task, spec, agentsDirectory, steps = byTool }: Play): Promise<Played> {
  const directory = makeDirectory()
  const store = await openStore(join(directory, 'store'))
  const rules = task.turns
    .flatMap(turn => steps(task, turn))
    .map(rule => ({ when: { user: rule.when.replace(/[.?*+^$()[\]{}|\\]/g, '\\$&') }, steps: rule.steps }))
  const script = parseScript(JSON.stringify({ version: 1, rules }), 'containers.test.ts')
  const simulated = await startSimulated({ seed: 1, script })
  const routes = singleUpstream(simulated.url)
  const proxy = await startProxy({
    ...{ store, host: '127.0.0.1', port: 0, routes, onRecordFailure: 'refuse', version: 'test' },
    admit: refuseStrangers(),
  })
  const events: RunEvent[] = []
  try {
    const { trials } = await executeRun({
      ...{ store, tasks: [task], agents: [spec], trials: 1, attempts: 1, feedback: 'none', onFailure: 'continue' },
      ...{ environment: 'docker', concurrency: 1, proxyUrl: proxy.url, freshSession: false, config: null, simulated: true },
      ...{ turnpikeVersion: 'test', directory: join(directory, 'work'), signal: never },
      onEvent: event => events.push(event),
      ...(process.env['PATH'] === undefined ? {} : { path: process.env['PATH'] }),
      layers: { directory: agentsDirectory, env: process.env, onProgress: message => void process.stderr.write(`${message}\n`) },
    })
    await proxy.drain(2_000)
    const [trial] = trials
    if (trial === undefined) throw new Error('no trial was played')
    return await readPlayed(store, trial, events)
  } finally {
    await store.close()
    await simulated.close()
  }
}

async function readPlayed(store: Store, trial: Trial, events: readonly RunEvent[]): Promise<Played> {
  const attempts = await store.list('attempts', { trialId: trial.id })
  const exchanges = await store.exchanges({ scopeId: trial.id })
  const calls = exchanges.filter(({ protocol, method }) => protocol !== null && method === 'POST')
  const sent = await Promise.all(
    calls.map(async ({ id, turn }) => ({ turn, text: (await store.readBody(id, 'request'))?.bytes.toString() ?? '' })),
  )
  const told = events.filter(event => event.type === 'attempt-verified' && event.trialId === trial.id)
  const show = (turn: number, file: string): string => {
    const commit = attempts.find(attempt => attempt.turn === turn)?.snapshot ?? ''
    return execFileSync('git', ['--git-dir', trial.snapshots ?? '', 'show', `${commit}:${file}`], { encoding: 'utf8' })
  }
  const rewards = told.map(event => (event.data as { rewards?: { reward?: number } }).rewards?.reward)
  const strange = (await store.exchanges({})).filter(({ scope }) => scope.kind !== 'trial').map(({ path }) => path)
  return { trial, rewards, events, attempts, strange, sent, show }
}
