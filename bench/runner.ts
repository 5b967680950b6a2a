// What the runner itself costs per turn: the `oracle` with a solution and a verifier that do nothing, so that all that is left is
// snapshots, copies, processes looked for, and commits. node bench/runner.ts [turns] [files] [trials at once]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Task } from '../core/task.ts'
import { executeRun } from '../runner/run.ts'
import { openStore } from '../store/open.ts'

const [turns = 20, files = 300, atOnce = 1] = process.argv.slice(2).map(Number)
const directory = mkdtempSync(join(tmpdir(), 'turnpike-bench-'))
const store = await openStore(join(directory, 'store'), {})
const task: Task = {
  id: 'overhead',
  title: 'Overhead',
  files: Object.fromEntries(Array.from({ length: files }, (_, at) => [`src/part${at % 20}/file${at}.ts`, `${at}\n`.repeat(100)])),
  turns: Array.from({ length: turns }, (_, at) => ({
    index: at + 1,
    instruction: 'nothing',
    verifier: { files: { 'check.sh': '' }, command: ['true'], timeoutMs: 60_000 },
    solution: ['sh', '-c', `echo ${at} > src/changed.ts`],
    timeoutMs: null,
  })),
  source: { file: 'bench', line: 1 },
}
const moments: number[] = []
let memoryBytes = 0
const startedAt = performance.now()
const { trials } = await executeRun({
  store,
  tasks: [task],
  agents: [{ id: 'oracle', model: null }],
  trials: atOnce,
  attempts: 1,
  feedback: 'none',
  onFailure: 'continue',
  environment: process.env['TURNPIKE_BENCH_ENVIRONMENT'] ?? 'local',
  concurrency: atOnce,
  proxyUrl: 'http://127.0.0.1:9',
  freshSession: false,
  config: null,
  simulated: false,
  turnpikeVersion: 'bench',
  directory: join(directory, 'work'),
  path: process.env['PATH'] ?? '',
  signal: new AbortController().signal,
  onEvent: event => {
    if (event.type === 'turn-ended') moments.push(performance.now())
    memoryBytes = Math.max(memoryBytes, process.memoryUsage().rss)
  },
})
const wholeMs = performance.now() - startedAt
await store.close()
rmSync(directory, { recursive: true, force: true })
const gaps = moments
  .slice(1)
  .map((at, index) => at - (moments[index] ?? at))
  .sort((one, other) => one - other)
const finished = trials.filter(trial => trial.outcome?.kind === 'finished').length
console.log(
  JSON.stringify({
    turns,
    files,
    trialsAtOnce: atOnce,
    finished,
    medianMsPerTurn: Math.round(gaps[Math.floor(gaps.length / 2)] ?? 0),
    meanMsPerTurn: Math.round(wholeMs / (turns * atOnce)),
    memoryMb: Math.round(memoryBytes / 1024 / 1024),
  }),
)
