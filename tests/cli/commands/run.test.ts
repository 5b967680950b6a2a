// One small run, and every command that looks at it: runs, trials, show, costs, score, report.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileSchema, type JsonSchema } from '../../../core/schema.ts'
import type { Json, JsonObject } from '../../../core/types.ts'
import { openPlace, type Place, readLast, words } from '../_cli.ts'

const turn = (name: string) => ({
  instruction: `Make the file ${name}.`,
  verifier: { files: {}, command: ['sh', '-c', `test -f ${name}`], timeout_ms: 20_000 },
  solution: ['sh', '-c', `echo done > ${name}`],
})
const task = { id: 'files', title: 'Two files', files: {}, turns: [turn('one.txt'), turn('two.txt')] }

interface RunJson {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly trials: ReadonlyArray<{ readonly name: string; readonly outcome: string }>
  readonly score: { readonly agents: ReadonlyArray<Record<string, unknown>> }
  readonly files: { readonly report: string; readonly trajectories: string }
}

let place: Place
let run: RunJson
let stderr: string
let lines: readonly Json[]
beforeAll(async () => {
  place = openPlace()
  writeFileSync(join(place.directory, 'tasks.jsonl'), `${JSON.stringify(task)}\n`)
  writeFileSync(join(place.directory, 'script.yaml'), script)
  const agents = words('run --tasks tasks.jsonl --agent oracle nop mini --model sim --simulated --script script.yaml')
  const ended = await place.run([...agents, ...words('--attempts 2 --name first --json')])
  if (ended.code !== 0) throw new Error(ended.stderr)
  run = readLast(ended.stdout)
  lines = readLines(ended.stdout)
  stderr = ended.stderr
})
afterAll(() => place.close())

/** Solves the first turn after feedback, the second never. */
const script = `version: 1
rules:
  - when: { user: "one.txt|tests for this turn failed" }
    steps:
      - shell: "echo hello > one.txt"
      - text: "done"
  - when: { user: "two.txt" }
    steps:
      - text: "I would rather not."
`

describe('turnpike run --json', () => {
  it('prints each event as a line of the documented shape, with its version first and the result last', () => {
    const { problems } = readSchema()
    expect(lines.flatMap(line => problems(line).map(problem => `${JSON.stringify(line)}: ${problem.message}`))).toEqual([])
    expect(lines[0]).toMatchObject({ event: 'stream-opened', version: 1 })
    const events = lines.map(line => String((line as JsonObject)['event']))
    expect(events.at(-1)).toBe('result')
    for (const event of ['run-started', 'attempt-verified', 'trial-metered', 'trial-ended', 'run-ended'])
      expect(events).toContain(event)
    const kept = lines.slice(1, -1) as unknown as ReadonlyArray<{ readonly id: string; readonly run: string }>
    expect(new Set(kept.map(line => line.id)).size).toBe(kept.length)
    expect(new Set(kept.map(line => line.run))).toEqual(new Set([run.id]))
  })

  it('ends with state, outcomes, scores and files', () => {
    expect(run).toMatchObject({ name: 'first', state: 'finished', simulated: true })
    expect(run.trials.map(trial => [trial.name, trial.outcome])).toEqual(
      expect.arrayContaining([
        ['files.oracle.1', 'finished'],
        ['files.nop.1', 'finished'],
        ['files.mini.1', 'finished'],
      ]),
    )
    const means = Object.fromEntries(run.score.agents.map(agent => [agent['agent'], agent['mean_turn_pass']]))
    expect(means).toEqual({ oracle: 1, nop: 0, mini: 0.5 })
    expect(run.score.agents.find(agent => agent['agent'] === 'oracle')).toMatchObject({ model: null, n_tasks: 1, n_trials: 1 })
  })

  it('writes report and trajectories where it says', () => {
    expect(readFileSync(run.files.report, 'utf8')).toContain('SIMULATED')
    const rows = readFileSync(run.files.trajectories, 'utf8').trimEnd().split('\n')
    expect(rows.length).toBeGreaterThan(0)
    const folders = dirname(run.files.report)
    const trajectory = JSON.parse(readFileSync(join(folders, 'files.mini.1', 'agent', 'trajectory.json'), 'utf8'))
    expect(trajectory).toMatchObject({ schema_version: 'ATIF-v1.7', agent: { name: 'mini' } })
    expect(existsSync(join(folders, 'files.nop.1'))).toBe(false)
  })

  it('tells its progress on standard error, by the names of trials', () => {
    expect(stderr).toContain('files.oracle.1  turn 2 attempt 1  passed')
    expect(stderr).toContain('files.nop.1  turn 1 attempt 2  failed')
  })

  it('keeps what makes its numbers comparable, and no path of a key', async () => {
    const { stdout } = await place.ask(['report', 'first'])
    expect(stdout).toMatch(/attempts=2/)
    expect(stdout).toMatch(/feedback=medium/)
  })
})

describe('looking at a run', () => {
  it('lists it with the sums of its trials', async () => {
    const [listed] = await place.json<Array<Record<string, number>>>(['runs'])
    const trials = await place.json<Array<{ calls: number; tokens: Record<string, number> }>>(['trials', 'first'])
    expect(listed).toMatchObject({ id: run.id, name: 'first', state: 'finished', trials: 3, planned_turns: 6, cost_usd: null })
    expect(trials).toHaveLength(3)
    expect(listed?.['calls']).toBe(trials.reduce((sum, trial) => sum + trial.calls, 0))
    expect(listed?.['calls']).toBeGreaterThan(0)
    expect(trials.find(trial => trial.calls === 0)).toMatchObject({ tokens: { input: 0, output: 0 }, cost_usd: null })
  })

  it('shows the calls of all its trials, with turn and attempt', async () => {
    const shown = await place.json<{ kind: string; calls: Array<{ turn: number; attempt: number }> }>(['show', 'latest'])
    expect(shown.kind).toBe('run')
    expect(new Set(shown.calls.map(call => `${call.turn}.${call.attempt}`))).toEqual(new Set(['1.1', '2.1', '2.2']))
  })

  it('costs the same, grouped or not', async () => {
    const costs = await place.json<{ groups: Array<{ calls: number; turn: string }>; total: { calls: number } }>([
      'costs',
      'first',
      '--by',
      'agent,turn',
    ])
    expect(costs.groups.map(group => group.turn)).toEqual(['1', '2'])
    expect(costs.groups.reduce((sum, group) => sum + group.calls, 0)).toBe(costs.total.calls)
  })

  it('scores to the same numbers again', async () => {
    expect(await place.json(['score', 'latest'])).toEqual(run.score)
  })

  it('writes the report as Markdown, and nothing else', async () => {
    const { code } = await place.ask(['report', 'first', '--out', 'again.md'])
    expect(code).toBe(0)
    expect(readFileSync(join(place.directory, 'again.md'), 'utf8')).toBe(readFileSync(run.files.report, 'utf8'))
    const refused = await place.ask(['report', 'first', '--out', 'again.pdf'])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('E_FORMAT_UNKNOWN')
    expect(existsSync(join(place.directory, 'again.pdf'))).toBe(false)
  })

  it('refuses a trial where a run is wanted', async () => {
    const { code, stderr: told } = await place.ask(['score', 'files.nop.1'])
    expect(code).toBe(2)
    expect(told).toContain('is a trial, not a run')
  })

  it('verifies', async () => {
    expect(await place.json(['verify', 'latest'])).toMatchObject({ bad: [] })
  })
})

describe('a run that is stopped', () => {
  it('exits with 130, keeps what was finished, and goes on with --resume alone', async () => {
    const store = ['--store', 'stopped']
    const args = [
      'run',
      '--tasks',
      'tasks.jsonl',
      '--simulated',
      '--agent',
      'oracle',
      'command',
      '--concurrency',
      '1',
      '--fresh-session',
    ]
    // Agents see files that their command names.
    const go = join(place.directory, 'go')
    writeFileSync(go, '')
    const slow = 'test -s "$1" || exec sleep 300'
    const running = place.start([...args, ...store, '--name', 'halted', '--', 'sh', '-c', slow, 'sh', go])
    await until(
      () =>
        stderrOf(running.child).includes('files.oracle.1  finished') &&
        stderrOf(running.child).includes('files.command.1  started'),
    )
    running.child.kill('SIGINT')
    const ended = await running.ended
    expect(ended.code).toBe(130)
    expect(ended.stderr).toMatch(
      /error E_INTERRUPTED: .*\n {2}why: .*\n {2}try: turnpike run --resume [0-9A-Z]{26} --store \/.*stopped$/m,
    )
    const before = await place.json<Array<{ name: string; outcome: string }>>(['trials', 'halted', ...store])
    expect(before.find(trial => trial.name === 'files.oracle.1')?.outcome).toBe('finished')
    expect(before.find(trial => trial.name === 'files.command.1')?.outcome).toBe('interrupted')
    const other = await place.run(['run', '--resume', 'halted', ...store, '--attempts', '3'])
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('attempts was 1, not 3') })
    // The agent's command is taken from the store too; it now finds nothing to wait for.
    writeFileSync(go, 'go')
    const resumed = await place.run(['run', '--resume', 'halted', ...store, '--json'])
    expect(resumed.code).toBe(0)
    const again = readLast<RunJson>(resumed.stdout)
    expect(again).toMatchObject({ name: 'halted', state: 'finished' })
    expect(again.trials.map(trial => trial.outcome)).toEqual(['finished', 'finished'])
    // Three rows, two cells: what was played again counts once.
    expect(await place.json(['runs', ...store])).toMatchObject([{ trials: 2, superseded_trials: 1 }])
    const rows = await place.json<Array<{ name: string; superseded: boolean }>>(['trials', 'halted', ...store])
    expect(rows.filter(trial => trial.superseded).map(trial => trial.name)).toEqual([
      expect.stringMatching(/^files\.command\.1~/),
    ])
    expect(rows).toHaveLength(3)
  })
})

describe('turnpike init', () => {
  it('writes an example that runs as it is, and overwrites nothing', async () => {
    const other = openPlace()
    expect((await other.ask(['init', 'bench'])).code).toBe(0)
    expect(readdirSync(join(other.directory, 'bench')).sort()).toEqual(['tasks', 'turnpike.yaml'])
    writeFileSync(join(other.directory, 'bench', 'turnpike.yaml'), 'run: { agents: [oracle], tasks: tasks/hello.jsonl }\n')
    const second = await other.json<{ written: string[]; kept: string[] }>(['init', 'bench'])
    expect(second.written).toEqual([])
    expect(second.kept.sort()).toEqual(['tasks/hello.jsonl', 'turnpike.yaml'])
    const { stdout } = await other.run(['run', '--config', 'bench/turnpike.yaml', '--json'])
    expect(readLast<RunJson>(stdout).score.agents[0]).toMatchObject({ agent: 'oracle', mean_turn_pass: 1 })
    await other.close()
  })
})

function readLines(stdout: string): Json[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Json)
}

function readSchema() {
  const file = new URL('../../../cli/schemas/run-events.schema.json', import.meta.url)
  return compileSchema(JSON.parse(readFileSync(file, 'utf8')) as JsonSchema)
}

const collected = new WeakMap<object, string[]>()
function stderrOf(child: ReturnType<Place['start']>['child']): string {
  let parts = collected.get(child)
  if (!parts) {
    parts = []
    collected.set(child, parts)
    child.stderr?.on('data', part => parts?.push(String(part)))
  }
  return parts.join('')
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 45_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('waited too long')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
