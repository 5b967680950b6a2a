// What it costs to turn recorded calls into trajectories, beside mini-vela's converter on the same log: whole processes, from start to
// end. Every output is read first: ours must hold each answer exactly once, and what the rival's holds is printed beside its time.
//   npm run bench:convert [-- --json] [-- --mini-vela DIR] [-- --sizes 50,100,200,400] [-- --kinds plain,double,ephemeral]
//   [-- --ways file,store,rival] [-- --repeats N] [-- --growth 500,1000,2000,4000] [-- --large] [-- --phases]
// DIR (or MINI_VELA): git clone https://github.com/MiniMax-AI/mini-vela DIR && git -C DIR checkout a92c7ab. Needs python3, not Ray.

import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readFlags } from './convert-output.ts'
import { printGrowth, printPhases, printTable, type Result } from './convert-report.ts'
import { type SessionKind, type SessionShape, sessionKinds, sessionName, writeLog, writeStore } from './convert-sessions.ts'
import { runMeasured, type Taken } from './measured-process.ts'
import { growthExponent, median } from './statistics.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    phases: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
    'mini-vela': { type: 'string', default: process.env['MINI_VELA'] ?? '' },
    sizes: { type: 'string', default: '50,100,200,400' },
    kinds: { type: 'string', default: sessionKinds.join(',') },
    ways: { type: 'string', default: 'file,store,rival' },
    repeats: { type: 'string', default: '3' },
    growth: { type: 'string', default: '500,1000,2000,4000' },
  },
})
const readSizes = (text: string): number[] => text.split(',').filter(Boolean).map(Number)
const sizes = readSizes(values.sizes)
const ways = new Set(values.ways.split(','))
const repeats = Number(values.repeats)
const rivalFolder = join(values['mini-vela'], 'convert')
const hasRival = ways.has('rival') && values['mini-vela'] !== '' && existsSync(join(rivalFolder, 'dedup.py'))
const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`)

const turnpike = fileURLToPath(new URL('../cli/turnpike.mjs', import.meta.url))
const rivalDriver = fileURLToPath(new URL('convert-rival.py', import.meta.url))
/** Cubic there: 400 calls would take ten minutes. */
const rivalCallsMax: Readonly<Record<SessionKind, number>> = { plain: 400, double: 400, ephemeral: 200 }
/** A program that takes longer than this is not run a second time. */
const patienceMs = 30_000
/** As in an agent's session; and small, where only the number of calls matters. */
const [messageBytes, smallMessageBytes] = [2000, 256]

type Way = 'file' | 'store' | 'rival'

interface Input {
  readonly folder: string
  readonly log: string
  readonly store: string
}

function runWay(way: Way, { folder, log, store }: Input, out: string): Promise<Taken> {
  const convert = ['convert', way === 'file' ? log : sessionName, '--format', 'merged', '--out', out, '--json']
  if (way === 'rival') return runMeasured('python3', [rivalDriver, rivalFolder, log, out], { cwd: folder })
  return runMeasured(process.execPath, [turnpike, ...convert, '--store', store], { cwd: folder })
}

async function measureWay(way: Way, input: Input, shape: SessionShape): Promise<Result> {
  const out = join(input.folder, `${way}.jsonl`)
  const runs: Taken[] = []
  while (runs.length < repeats && (runs.length === 0 || median(runs.map(run => run.wallMs)) < patienceMs)) {
    rmSync(out, { force: true })
    const taken = await runWay(way, input, out)
    if (taken.status !== 0) throw new Error(`${way}, ${shape.kind} ${shape.calls}: status ${taken.status}\n${taken.stderr}`)
    runs.push(taken)
  }
  const flags = await readFlags(out)
  const exact = flags.generations === shape.calls && flags.answers === shape.calls
  if (way !== 'rival' && !exact)
    throw new Error(`${way}, ${shape.kind} ${shape.calls}: ${flags.generations} generations, ${flags.answers} different answers`)
  return {
    way,
    ...shape,
    wallMs: median(runs.map(run => run.wallMs)),
    cpuMs: median(runs.map(run => run.cpuMs)),
    peakRssBytes: Math.max(...runs.map(run => run.peakRssBytes)),
    runs: runs.length,
    ...flags,
    outputBytes: statSync(out).size,
  }
}

async function withInput<T>(use: (input: Input) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-convert-'))
  try {
    return await use({ folder, log: join(folder, 'log.jsonl'), store: join(folder, 'store') })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureSession(shape: SessionShape): Promise<Result[]> {
  return withInput(async input => {
    const logBytes = ways.has('file') || hasRival ? writeLog(input.log, shape) : 0
    const results: Result[] = []
    if (ways.has('file')) results.push(await measureWay('file', input, shape))
    // No proxy of ours writes an exchange twice: that log has no counterpart in a store.
    if (ways.has('store') && shape.kind !== 'double') {
      await writeStore(input.store, shape)
      results.push(await measureWay('store', input, shape))
    }
    if (hasRival && shape.calls <= rivalCallsMax[shape.kind]) results.push(await measureWay('rival', input, shape))
    say(`${shape.kind} ${shape.calls} calls, log of ${(logBytes / 1e6).toFixed(1)} MB: ${results.map(describe).join('; ')}`)
    return results.map(result => ({ ...result, logBytes }))
  })
}

const describe = (result: Result): string =>
  `${result.way} ${(result.wallMs / 1000).toFixed(2)} s (${(result.cpuMs / 1000).toFixed(2)} s of CPU), ${(result.peakRssBytes / 1e6).toFixed(0)} MB`

interface Growth {
  readonly exponent: number
  readonly cpuExponent: number
  readonly base: Result
  readonly results: readonly Result[]
}

/** From a store, time beyond that of a session of one call, over the bytes that are new: 1 = linear, 2 = quadratic. */
async function measureGrowth(calls: readonly number[]): Promise<Growth> {
  const results: Result[] = []
  for (const size of [1, ...calls]) {
    const shape = { kind: 'plain', calls: size, messageBytes: smallMessageBytes } as const
    const [result] = await withInput(async input => {
      await writeStore(input.store, shape)
      return [await measureWay('store', input, shape)]
    })
    if (result === undefined) continue
    say(`${size} small calls: ${describe(result)}`)
    results.push(result)
  }
  const [base, ...grown] = results
  if (base === undefined) throw new Error('nothing measured')
  const exponentOf = (key: 'wallMs' | 'cpuMs'): number =>
    growthExponent(grown.map(result => [2 * result.calls * smallMessageBytes, result[key] - base[key]] as const))
  return { exponent: exponentOf('wallMs'), cpuExponent: exponentOf('cpuMs'), base, results: grown }
}

if (ways.has('rival') && !hasRival) say('no mini-vela: give its folder with --mini-vela DIR (see the head of bench/convert.ts)')
const results: Result[] = []
for (const kind of sessionKinds.filter(kind => values.kinds.split(',').includes(kind)))
  for (const calls of kind === 'ephemeral' ? [25, ...sizes] : sizes)
    results.push(...(await measureSession({ kind, calls, messageBytes })))
const growth = values.growth === '' ? null : await measureGrowth([...readSizes(values.growth), ...(values.large ? [10_000] : [])])
const phases = values.phases ? await withInput(input => printPhases(input, messageBytes, say)) : null
if (values.json) console.log(JSON.stringify({ results, growth, phases }))
else {
  printTable(results, say)
  if (growth !== null) printGrowth(growth, say)
}
