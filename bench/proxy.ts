// What recording costs: Turnpike between a load generator and an upstream, beside no proxy, bare forwarders and other recorders.
//   npm run bench:proxy [-- --json] [-- --only NAME[,NAME…]] [-- --seconds N] [-- --repetitions N] [-- --profile DIR]
// NAME is a case or a target. Asserts correctness before it measures, and the whole record after.
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pinning, startHelper } from './pinned-process.ts'
import { type Case, cases } from './proxy-cases.ts'
import type { LoadCommand, LoadResult } from './proxy-load.ts'
import { type Bench, type CaseResult, measureCase, type Settings } from './proxy-measure.ts'
import { judgeGoals, renderCase, renderGoals } from './proxy-report.ts'
import { type Target, targets } from './proxy-targets.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    seconds: { type: 'string', default: '0.6' },
    repetitions: { type: 'string', default: '3' },
    profile: { type: 'string' },
  },
})
const settings: Settings = {
  seconds: Number(values.seconds),
  repetitions: Number(values.repetitions),
  profileDirectory: values.profile ?? null,
}
const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`)

function choose(only: string | undefined): { readonly cases: readonly Case[]; readonly targets: readonly Target[] } {
  const names = only?.split(',') ?? []
  const known = new Set([...cases, ...targets].map(({ id }) => id))
  const unknown = names.filter(name => !known.has(name))
  if (unknown.length > 0) throw new Error(`--only: there is no ${unknown.join(', ')}; there are ${[...known].join(', ')}`)
  const someCases = cases.filter(({ id }) => names.includes(id))
  const someTargets = targets.filter(({ id }) => names.includes(id))
  return {
    cases: someCases.length === 0 ? cases : someCases,
    // Everything is told against the direct path.
    targets: someTargets.length === 0 ? targets : targets.filter(({ id }) => id === 'direct' || names.includes(id)),
  }
}

function keepInstalled(wanted: readonly Target[]): Target[] {
  for (const { title, missing } of wanted) if (missing !== null) say(`${title}: not installed: skipped (needs ${missing})`)
  return wanted.filter(({ missing }) => missing === null)
}

function describeMachine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor'
  const pinned = pinning
    ? 'each target on core 0, load and upstream on core 1'
    : 'not pinned: taskset or a second core is missing'
  return `${cpus().length} × ${model}, Node ${process.version}, ${pinned}.
Medians of ${settings.repetitions} interleaved repetitions of ${settings.seconds} s. Other work on the machine moves every figure: compare within a table.
"later" is CPU after the last answer (background packing); "sustained" counts it as time; "Turnpike ×" is its sustained rate over theirs.`
}

async function main(): Promise<boolean> {
  const chosen = choose(values.only)
  const directory = mkdtempSync(join(tmpdir(), 'turnpike-bench-'))
  const upstream = startHelper(new URL('proxy-upstream.ts', import.meta.url), 'measuring')
  const load = startHelper(new URL('proxy-load.ts', import.meta.url), 'measuring')
  const [{ port }] = [(await upstream.first) as { port: number }, await load.first]
  const bench: Bench = {
    load: async (command: LoadCommand) => {
      const answer = (await load.ask(command)) as { result?: LoadResult; error?: string }
      if (answer.error !== undefined) throw new Error(answer.error)
      return answer.result as LoadResult
    },
    targets: keepInstalled(chosen.targets),
    upstreamPort: port,
    directory,
  }
  const results: CaseResult[] = []
  say(describeMachine())
  try {
    for (const wanted of chosen.cases) {
      await upstream.ask({ kind: 'shape', answer: wanted.answer })
      const result = await measureCase(bench, wanted, settings)
      results.push(result)
      say(`\n${renderCase(result)}`)
    }
    const goals = judgeGoals(results)
    say(`\n${renderGoals(goals)}`)
    if (values.json) console.log(JSON.stringify({ machine: describeMachine(), settings, results, goals }, null, 2))
    return results.every(isRight)
  } finally {
    await Promise.all([upstream.started.stop(), load.started.stop()])
    rmSync(directory, { recursive: true, force: true })
  }
}

function isRight({ outcomes, record }: CaseResult): boolean {
  const turnpike = outcomes.find(({ target }) => target === 'turnpike')
  return turnpike?.kind !== 'wrong' && (record?.faults.length ?? 0) === 0
}

// A wrong record or a wrong answer fails the command; a goal that is not reached does not.
process.exitCode = (await main()) ? 0 : 1
