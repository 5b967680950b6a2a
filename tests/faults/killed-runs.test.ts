// A run of twelve trials whose process is killed again and again at random moments and resumed each time ends in the same grid, tests
// and scores as one that nobody disturbed, and leaves nothing on the machine. TURNPIKE_KILLS sets how often; TURNPIKE_SEED the moments.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { currentTrials } from '../../core/cells.ts'
import type { Task } from '../../core/task.ts'
import { scoreRun, writeScoreJson } from '../../judge/score.ts'
import { findSurvivors } from '../../runner/survivors.ts'
import type { Store } from '../../store/_adapter.ts'
import { openStore } from '../../store/open.ts'
import { atEnd, makeDirectory } from '../runner/_sandbox.ts'

const kills = Number(process.env['TURNPIKE_KILLS'] ?? 4)
const seed = Number(process.env['TURNPIKE_SEED'] ?? Date.now() % 1_000_000)

const turn = (index: number): Task['turns'][number] => {
  const check = `f() { if "$@"; then echo ok "$n" - "$what"; else echo not ok "$n" - "$what"; bad=1; fi; }
echo 1..2; n=1 what=file; f test -f t${index}.txt
n=2 what=memory; f test "$(wc -l < said.txt)" -ge ${index}; exit $((bad + 0))`
  return {
    index,
    instruction: `make t${index}.txt`,
    verifier: { files: {}, command: ['sh', '-c', check], timeoutMs: 60_000 },
    solution: null,
    timeoutMs: null,
  }
}

const task: Task = {
  id: 'files',
  title: 'Files',
  files: {},
  turns: [turn(1), turn(2), turn(3)],
  source: { file: 'f', line: 1 },
}

/** Counts its requests in its home, so that one that lost its home does something else. */
const counting = (model: string, then: string) => {
  const text = `echo "$2" >> "$HOME/said"; n=$(wc -l < "$HOME/said"); cp "$HOME/said" said.txt; sleep 0.05; ${then}`
  const argv = ['sh', '-c', text, 'agent', '{instruction}', '{session}']
  return { id: 'command', model, command: { first: argv, next: argv, stdin: null, env: {} } }
}
const agents = [
  counting('steady', 'touch t$n.txt'),
  counting('second', 'sleep 30 & case $n in 1) touch t1.txt;; 3) touch t2.txt;; 4) touch t3.txt;; esac'),
  counting('broken', 'case $n in 1) touch t1.txt;; 4) touch t3.txt;; *) exit 3;; esac'),
]

function startRun(place: string, resumeRunId: string | null) {
  const options = {
    store: join(place, 'store'),
    directory: join(place, 'work'),
    tasks: [task],
    agents,
    trials: 4,
    attempts: 2,
    concurrency: 3,
    runName: 'disturbed-or-not',
    ...(resumeRunId === null ? {} : { resumeRunId }),
  }
  const child = spawn(process.execPath, ['tests/runner/_killed-run.mjs', JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  atEnd(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  const begun = Promise.race([once(child.stdout, 'data'), exited])
  child.stdout.resume()
  return { child, exited, begun }
}

/** Numbers from 0 to 1, the same for the same seed. */
function createRandom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** All that must be the same whether or not the run was disturbed: no ids, no times. */
async function describeRun(store: Store) {
  const [run] = await store.list('runs')
  const all = await store.list('trials', { runId: run?.id ?? '' })
  const trials = currentTrials(all).sort((one, other) => one.name.localeCompare(other.name))
  const grid = []
  for (const { id, name, outcome } of trials) {
    const turns = (await store.list('turns', { trialId: id })).sort((one, other) => one.turn - other.turn)
    const attempts = await store.list('attempts', { trialId: id })
    const tests = await store.list('tests', { trialId: id })
    const sessions = new Set(attempts.map(attempt => attempt.feedback))
    grid.push({
      name,
      outcome,
      turns: turns.map(({ turn: index, state, attempts: tries, instruction }) => [index, state, tries, instruction]),
      attempts: attempts
        .map(one => [one.turn, one.attempt, one.passed, one.testsPassed, one.testsTotal, one.agentOutcome, one.agentExit])
        .sort(),
      tests: tests.map(one => [one.turn, one.attempt, one.name, one.status]).sort(),
      feedback: sessions.size,
    })
  }
  const score = writeScoreJson(await scoreRun(store, run?.id ?? ''))
  const continued = (await store.list('events', { runId: run?.id ?? '', type: 'trial-continued' })).length
  return { continued, state: run?.state, planned: run?.plannedTurns, grid, score: strip(score), ids: all.map(trial => trial.id) }
}

function strip(score: object): unknown {
  return JSON.parse(JSON.stringify(score, (key, value) => (/(^|_)(id|run|ms|at)$/.test(key) ? undefined : value)))
}

it(
  `a run killed ${kills} times ends like one that was not (seed ${seed})`,
  async () => {
    const calm = makeDirectory()
    const undisturbed = startRun(calm, null)
    await undisturbed.begun
    const startedAt = performance.now()
    await undisturbed.exited
    const wholeMs = performance.now() - startedAt
    const place = makeDirectory()
    const random = createRandom(seed)
    const readRunId = async (): Promise<string | null> => {
      const store = await openStore(join(place, 'store'), {})
      const [run] = await store.list('runs')
      await store.close()
      return run?.id ?? null
    }
    let landed = 0
    for (let kill = 0; kill < kills; kill++) {
      const { child, exited, begun } = startRun(place, await readRunId())
      // Some die while they are still opening the store and reading the grid.
      if (random() < 0.8) await begun
      await sleep(random() * wholeMs * Math.min(0.3, 3 / kills))
      if (child.exitCode === null) landed += 1
      child.kill('SIGKILL')
      await exited
    }
    expect(landed, 'kills that hit a living run').toBeGreaterThan(kills / 3)
    const last = startRun(place, await readRunId())
    await last.exited
    expect(last.child.exitCode).toBe(0)
    const [calmStore, store] = [await openStore(join(calm, 'store'), {}), await openStore(join(place, 'store'), {})]
    atEnd(() => Promise.all([calmStore.close(), store.close()]))
    const { ids: calmIds, continued: none, ...expected } = await describeRun(calmStore)
    const { ids, continued, ...found } = await describeRun(store)
    expect(expected.grid).toHaveLength(12)
    expect(expected.grid.map(cell => cell.turns.map(([, state]) => state).join(' '))).toContain('passed agent-error passed')
    expect(found).toEqual(expected)
    expect(none).toBe(0)
    if (kills >= 8) expect(continued).toBeGreaterThan(0)
    expect((await store.verify()).bad).toEqual([])
    for (const id of [...calmIds, ...ids]) expect(findSurvivors(id, null)).toEqual([])
    expect(readdirSync(tmpdir()).filter(name => ids.some(id => name.includes(id)))).toEqual([])
  },
  120_000 + kills * 10_000,
)
