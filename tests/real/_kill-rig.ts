// One run of twelve trials through the command line, undisturbed or killed again and again and resumed: where it stands, how it is killed, and what
// must be the same in the end. Each run has a store and a temporary directory of its own, so that whatever is left in them is its own.

import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readRunReport } from '../../cli/run-results.ts'
import { currentTrials } from '../../core/cells.ts'
import type { ReportData } from '../../core/report.ts'
import type { RunEvent, Trial } from '../../core/types.ts'
import { openStore } from '../../store/open.ts'
import { atEnd, makeDirectory } from '../runner/_sandbox.ts'

const turn = (index: number) => ({
  instruction: `make t${index}.txt`,
  verifier: {
    files: { 'secret.txt': 'x' },
    command: ['sh', '-c', verifyScript.replaceAll('INDEX', String(index))],
    timeout_ms: 60_000,
  },
})
const verifyScript = `f() { if "$@"; then echo ok "$n" - "$what"; else echo not ok "$n" - "$what"; bad=1; fi; }
echo 1..2; n=1 what=file; f test -f tINDEX.txt
n=2 what=earlier; i=1; while [ $i -lt INDEX ]; do test -f t$i.txt || lost=1; i=$((i+1)); done; f test -z "$lost"; exit $((bad + 0))`

export const tasks = ['left', 'right'].map(id => ({ id, files: { 'README.md': id }, turns: [turn(1), turn(2), turn(3)] }))

/** Calls its model, and counts its requests in its home: one that lost its home does something else. */
const counting = (model: string, work: string) => {
  const ask = `require("http").request("{base_url_openai}/chat/completions",{method:"POST",headers:{"content-type":"application/json",authorization:"Bearer {token}"}},r=>{r.resume();r.on("end",()=>process.exit(r.statusCode===200?0:9))}).on("error",()=>process.exit(9)).end(JSON.stringify({model:"{model}",messages:[{role:"user",content:process.argv[1]}]}))`
  const text = `echo asked >> "$HOME/said"; n=$(wc -l < "$HOME/said"); node -e '${ask}' "$1" || exit 9; sleep 0.1; ${work}`
  const argv = ['sh', '-c', text, 'agent', '{instruction}', '{session}']
  return { name: 'command', model, command: { first: argv, next: argv } }
}
/** Leaves a process behind in turn 1 and a broken turn 2; knows by its memory which request is which. */
const forgetful = counting(
  'forgetful',
  'sleep 300 & case $n in 1) touch t1.txt;; 2|3) echo lost; exit 3;; 4) touch t2.txt t3.txt;; *) exit 4;; esac',
)
/** Needs a second attempt for turn 2. */
const steady = counting('steady', 'case $n in 1) touch t1.txt;; 2) ;; 3) touch t2.txt;; *) touch t3.txt;; esac')

/** The same in the words of the simulated provider, for the agent that works by what its model says. */
const script = {
  version: 1,
  defaults: { delay_ms: 40 },
  rules: [1, 2, 3].flatMap(index => [
    {
      when: { user: `make t${index}.txt`, feedback: false },
      steps: [{ shell: index === 2 ? 'pwd' : `touch t${index}.txt` }, { text: 'Done.' }],
    },
    { when: { user: `make t${index}.txt`, feedback: true }, steps: [{ shell: `touch t${index}.txt` }, { text: 'Now done.' }] },
  ]),
}

export interface Stage {
  readonly store: string
  readonly temporary: string
  readonly start: () => Promise<Playing>
}

export interface Playing {
  /** Resolves when the first trial was started, or when it has ended. */
  readonly begun: Promise<unknown>
  readonly ended: Promise<number | null>
  readonly isOver: () => boolean
  readonly kill: (signal: NodeJS.Signals) => void
  readonly said: () => string
}

const program = join(import.meta.dirname, '..', '..', 'cli', 'turnpike.mjs')

/** Trials of each task and agent; two agents play. */
export function openStage(environment: 'local' | 'docker', trials = 3): Stage {
  const place = makeDirectory()
  const [store, temporary] = [join(place, 'store'), join(place, 'tmp')]
  mkdirSync(temporary)
  writeFileSync(join(place, 'script.json'), JSON.stringify(script))
  const second = environment === 'local' ? { name: 'mini', model: 'simulated-1' } : forgetful
  const agents = environment === 'local' ? [forgetful, second] : [steady, second]
  // Containers take their time: half as many trials.
  const played = environment === 'local' ? tasks : tasks.slice(0, 1)
  writeFileSync(join(place, 'tasks.jsonl'), played.map(task => `${JSON.stringify(task)}\n`).join(''))
  const run = {
    tasks: 'tasks.jsonl',
    agents,
    environment,
    trials,
    attempts: 2,
    feedback: 'minimal',
    concurrency: 3,
    name: 'twelve',
  }
  const config = { store: './store', run, simulated: { enabled: true, script: 'script.json', seed: 7 } }
  // JSON is YAML.
  writeFileSync(join(place, 'turnpike.yaml'), JSON.stringify(config))
  const start = async (): Promise<Playing> => {
    const isKnown = (await readRunId(store)) !== null
    const daemon = process.env['DOCKER_HOST'] === undefined ? {} : { DOCKER_HOST: process.env['DOCKER_HOST'] }
    const env = { PATH: process.env['PATH'] ?? '', HOME: place, TMPDIR: temporary, ...daemon }
    const argv = [program, 'run', ...(isKnown ? ['--resume', 'twelve'] : []), '--json']
    const child = spawn(process.execPath, argv, { cwd: place, env, stdio: ['ignore', 'ignore', 'pipe'] })
    atEnd(() => child.kill('SIGKILL'))
    let said = ''
    const ended = new Promise<number | null>(resolve => child.on('close', resolve))
    const begun = new Promise(resolve => {
      child.stderr.on('data', part => {
        said += String(part)
        if (/ {2}started/.test(said)) resolve(null)
      })
      void ended.then(resolve)
    })
    const isOver = () => child.exitCode !== null || child.signalCode !== null
    return { begun, ended, isOver, kill: signal => child.kill(signal), said: () => said }
  }
  return { store, temporary, start }
}

async function readRunId(directory: string): Promise<string | null> {
  const store = await openStore(directory, {})
  const [run] = await store.list('runs')
  await store.close()
  return run?.id ?? null
}

export interface Told {
  readonly runId: string
  readonly trials: readonly Trial[]
  /** Everything that must be the same whether or not the run was disturbed. */
  readonly result: unknown
  readonly report: ReportData
  readonly events: readonly RunEvent[]
  readonly badBodies: unknown
}

/**
 * Left out because repeating work changes it by right: ids, times, and everything summed over calls (tokens, cost, calls, and the warning that
 * counts unpriced calls): what a killed trial has paid was paid. All else of the report is compared: identity and policy, every score with its
 * interval and bounds, every cell, every failing test, causes of failures, warnings, method; and beside it each turn, attempt and test as stored.
 */
const uncompared = new Set(['id', 'runId', 'trialId', 'startedAt', 'endedAt', 'cost', 'costs'])

export async function readEnd(directory: string): Promise<Told> {
  const store = await openStore(directory, {})
  try {
    const [run] = await store.list('runs')
    const runId = run?.id ?? ''
    const trials = await store.list('trials', { runId })
    const grid = []
    for (const { id, name, outcome } of currentTrials(trials).sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const turns = (await store.list('turns', { trialId: id })).map(one => [one.turn, one.state, one.attempts, one.instruction])
      const attempts = (await store.list('attempts', { trialId: id })).map(one => [
        one.turn,
        one.attempt,
        one.passed,
        one.testsPassed,
        one.testsTotal,
        one.agentOutcome,
        one.agentExit,
        one.feedback,
        one.verifierOutput,
      ])
      const tests = (await store.list('tests', { trialId: id })).map(one => [one.turn, one.attempt, one.name, one.status])
      grid.push({ name, outcome, turns: turns.sort(), attempts: attempts.sort(), tests: tests.sort() })
    }
    const report = await readRunReport(store, runId)
    const text = JSON.stringify(report, (key, value) => (uncompared.has(key) ? undefined : value))
    // Policies name files by their whole path, and each run has its own.
    const compared = JSON.parse(text.replaceAll(dirname(directory), 'PLACE'))
    compared.warnings = report.warnings.filter(warning => !/calls have no price/.test(warning))
    compared.trials.sort((one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1))
    compared.score.agents = compared.score.agents.map((agent: { metrics: Array<{ unit: string }> }) => ({
      ...agent,
      metrics: agent.metrics.filter(metric => metric.unit !== 'usd'),
    }))
    const events = await store.list('events', { runId })
    return { runId, trials, result: { grid, report: compared }, report, events, badBodies: (await store.verify()).bad }
  } finally {
    await store.close()
  }
}

/** Nothing of the trials stands in the temporary directory any more. */
export const listLeft = ({ temporary }: Stage): string[] => readdirSync(temporary)

/** Numbers from 0 to 1, the same for the same seed. */
export function createRandom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
