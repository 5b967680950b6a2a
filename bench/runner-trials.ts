// Trials whose agent and verifier say themselves what they took, played as a run plays them and checked to the last byte before any figure counts.
// Below the benchmark of the runner's own cost.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Task } from '../core/task.ts'
import type { AttemptRecord, RunEvent, Trial } from '../core/types.ts'
import { findEnvironment } from '../runner/environments/_all.ts'
import { executeRun } from '../runner/run.ts'
import { findSurvivors } from '../runner/survivors.ts'
import type { Store } from '../store/_adapter.ts'
import { openStore } from '../store/open.ts'
import { makePlace } from '../tests/rows.ts'
import { recordCalls } from './convert-sessions.ts'
import { readCpu, type Stages, watchStages } from './runner-stages.ts'

export interface Shape {
  /** `none`: a line is written and read. `work`: twenty files change, a model is waited for, a program tests the result. */
  readonly kind: 'none' | 'work'
  readonly environment: string
  readonly image: string | null
  readonly turns: number
  readonly files: number
  readonly trials: number
  /** Recorded calls of each turn, whose requests are searched for what verifiers brought. */
  readonly calls: number
}

export interface Measured {
  /** `overheadMs`: from the beginning of the turn to the next one's, less `ownMs`, what agent and verifier took by their own clocks. */
  readonly turns: ReadonlyArray<{ readonly turn: number; readonly overheadMs: number; readonly ownMs: number }>
  /** Of all turns together, less what agent and verifier used. */
  readonly cpu: { readonly selfMs: number; readonly childrenMs: number }
  readonly wallMs: number
  /** Turns that `cpu`, `wallMs` and `stages` are the sum of: all but the first, where one trial is played at a time. */
  readonly counted: number
  readonly stages: Stages
  readonly rssBytesMax: number
  readonly filesOpenMax: number
}

const changed = 'src/part1/changed.txt'

/** By its own clock and the kernel's count for it and its children. */
const told = (work: string): string[] => [
  'sh',
  '-c',
  `begin=$(date +%s%N); ${work}; status=$?; end=$(date +%s%N); echo; times; echo "own $begin $end"; exit $status`,
]

const check = `const { readFileSync } = require('node:fs')
const [turn] = process.argv.slice(2)
for (let at = 0; at < 20; at++) {
  const text = readFileSync('src/part' + at + '/work.ts', 'utf8')
  if (text !== 'turn ' + turn + ' file ' + at + '\\n') process.exit(1)
}
`

function makeTask({ kind, turns, files, image }: Shape): Task {
  const nothing = (turn: number) => ({
    solution: ['sh', '-c', `echo ${turn} > ${changed}`],
    verifier: {
      files: { 'hidden/check.sh': `read -r line < ${changed} && [ "$line" = "$1" ]\n` },
      command: ['sh', 'hidden/check.sh', String(turn)],
    },
  })
  const work = (turn: number) => ({
    solution: told(
      `echo ${turn} > ${changed}; sleep 0.2; for at in $(seq 0 19); do echo "turn ${turn} file $at" > src/part$at/work.ts; done`,
    ),
    verifier: { files: { 'hidden/check.cjs': check }, command: told(`node hidden/check.cjs ${turn}`) },
  })
  return {
    id: 'overhead',
    title: 'Overhead',
    files: Object.fromEntries(
      Array.from({ length: files }, (_, at) => [`src/part${at % 20}/file${at}.ts`, `${at}\n`.repeat(300)]),
    ),
    turns: Array.from({ length: turns }, (_, at) => {
      const { solution, verifier } = (kind === 'none' ? nothing : work)(at + 1)
      return {
        index: at + 1,
        instruction: `turn ${at + 1}`,
        timeoutMs: null,
        solution,
        verifier: { ...verifier, timeoutMs: 300_000 },
      }
    }),
    source: { file: 'bench', line: 1 },
    ...(image === null
      ? {}
      : {
          environment: makePlace(image),
        }),
  }
}

export async function playTrials(shape: Shape): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), 'turnpike-bench-'))
  const adapter = findEnvironment(shape.environment)
  const { open } = adapter
  const stages = watchStages()
  const store = await openStore(join(directory, 'store'), {})
  const watched = stages.watchStore(store)
  const moments: Moment[] = []
  const peak = { rssBytes: 0, files: 0 }
  try {
    // Every environment of the run gets a clock around it; the calls of a trial are there before its first turn.
    Object.assign(adapter, {
      open: async (...given: Parameters<typeof open>) => {
        await fillCalls(store, given[0].trialId, shape)
        return stages.watchEnvironment(await open(...given))
      },
    })
    const before = readdirSync('/proc/self/fd').length
    const run = await executeRun({
      store: watched,
      tasks: [makeTask(shape)],
      agents: [{ id: 'oracle', model: null }],
      trials: shape.trials,
      attempts: 1,
      feedback: 'none',
      onFailure: 'continue',
      environment: shape.environment,
      concurrency: shape.trials,
      proxyUrl: 'http://127.0.0.1:9',
      freshSession: false,
      config: null,
      simulated: false,
      turnpikeVersion: 'bench',
      directory: join(directory, 'work'),
      path: process.env['PATH'] ?? '',
      signal: new AbortController().signal,
      onEvent: event => {
        if (event.type !== 'attempt-started' && event.type !== 'turn-kept') return
        if (isBeginning(shape, event)) stages.reset()
        moments.push({ event, at: performance.now(), cpu: readCpu() })
        peak.rssBytes = Math.max(peak.rssBytes, process.memoryUsage.rss())
        peak.files = Math.max(peak.files, readdirSync('/proc/self/fd').length)
      },
    })
    await checkTrials(run.trials, shape, store)
    const after = readdirSync('/proc/self/fd').length
    if (after > before + 8) throw new Error(`${after - before} files stayed open`)
    return await describeRun(run.trials, { shape, store, moments, stages, peak })
  } finally {
    Object.assign(adapter, { open })
    stages.stop()
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Moment {
  readonly event: RunEvent
  readonly at: number
  readonly cpu: ReturnType<typeof readCpu>
}

/** The first turn brings all files into copy and snapshot: it is told apart, and what is counted over turns begins after it. */
const isBeginning = ({ trials }: Shape, { type, data }: RunEvent): boolean =>
  type === 'attempt-started' && trials === 1 && (data as { turn?: number }).turn === 2

async function fillCalls(store: Store, id: string, { calls, turns }: Shape): Promise<void> {
  if (calls === 0) return
  const session = { kind: 'plain', calls: calls * turns, messageBytes: 1000 } as const
  await recordCalls(store, { kind: 'trial', id }, session, call => Math.floor(call / calls) + 1)
}

/** Whatever was not measured right is no figure: every turn passed on what the agent wrote, every snapshot holds it, and nothing is left. */
async function checkTrials(trials: readonly Trial[], shape: Shape, store: Store): Promise<void> {
  const refuse = (what: string): never => {
    throw new Error(`the trials of ${JSON.stringify(shape)} went wrong: ${what}`)
  }
  if (trials.length !== shape.trials) refuse(`${trials.length} trials`)
  for (const trial of trials) {
    if (trial.outcome?.kind !== 'finished') refuse(`${trial.name}: ${JSON.stringify(trial.outcome)}`)
    const attempts = await store.list('attempts', { trialId: trial.id })
    if (attempts.length !== shape.turns || !attempts.every(attempt => attempt.passed))
      refuse(`${trial.name}: ${attempts.filter(attempt => attempt.passed).length} of ${shape.turns} turns passed`)
    for (const { snapshot, turn } of attempts) {
      const git = (...argv: string[]): string =>
        execFileSync('git', ['--git-dir', trial.snapshots ?? '', ...argv], { encoding: 'utf8' })
      if (git('show', `${snapshot}:${changed}`) !== `${turn}\n`) refuse(`the snapshot of turn ${turn}`)
      if (turn === shape.turns && git('ls-tree', '-r', '--name-only', `${snapshot}`).includes('hidden/'))
        refuse('a test in a snapshot')
    }
    const leaks = await store.list('events', { trialId: trial.id, type: 'leak-found' })
    if (leaks.length > 0) refuse('a leak that is none')
    if (findSurvivors(trial.id, null).length > 0) refuse('a process is left')
    if (readdirSync(tmpdir()).some(name => name.includes(trial.id))) refuse('a directory is left')
  }
}

/** What the commands of an attempt took, as they told at their end. */
function readOwn({ agentOutput, verifierOutput }: AttemptRecord): { readonly ms: number; readonly cpuMs: number } {
  let [ms, cpuMs] = [0, 0]
  for (const output of [agentOutput, verifierOutput]) {
    const [, begin, end] = /^own (\d+) (\d+)$/m.exec(output) ?? []
    if (begin !== undefined && end !== undefined) ms += Number(BigInt(end) - BigInt(begin)) / 1e6
    for (const [, minutes, seconds] of output.matchAll(/(\d+)m([\d.]+)s/g))
      cpuMs += Number(minutes) * 60_000 + Number(seconds) * 1000
  }
  return { ms, cpuMs }
}

interface Seen {
  readonly shape: Shape
  readonly store: Store
  readonly moments: readonly Moment[]
  readonly stages: Stages
  readonly peak: { readonly rssBytes: number; readonly files: number }
}

async function describeRun(trials: readonly Trial[], { shape, store, moments, stages, peak }: Seen): Promise<Measured> {
  const turns: Array<Measured['turns'][number]> = []
  let ownCpuMs = 0
  for (const trial of trials) {
    const own = moments.filter(({ event }) => event.trialId === trial.id)
    const starts = own.filter(({ event }) => event.type === 'attempt-started')
    for (const [at, attempt] of (await store.list('attempts', { trialId: trial.id })).entries()) {
      const [start, end] = [starts[at], starts[at + 1] ?? own.at(-1)]
      if (start === undefined || end === undefined) throw new Error(`turn ${attempt.turn} left no events`)
      const { ms, cpuMs } = readOwn(attempt)
      if ((shape.kind === 'work') !== ms > 200) throw new Error(`turn ${attempt.turn} took ${ms} ms by its own clock`)
      turns.push({ turn: attempt.turn, overheadMs: end.at - start.at - ms, ownMs: ms })
      if (shape.trials > 1 || attempt.turn > 1) ownCpuMs += cpuMs
    }
  }
  const [first, last] = [moments.find(({ event }) => isBeginning(shape, event)) ?? moments[0], moments.at(-1)]
  if (first === undefined || last === undefined) throw new Error('nothing was played')
  return {
    turns,
    cpu: { selfMs: last.cpu.selfMs - first.cpu.selfMs, childrenMs: last.cpu.childrenMs - first.cpu.childrenMs - ownCpuMs },
    wallMs: last.at - first.at,
    counted: shape.trials === 1 ? turns.length - 1 : turns.length,
    stages,
    rssBytesMax: peak.rssBytes,
    filesOpenMax: peak.files,
  }
}
