// What the runner itself costs per turn: the time of a trial's turns less what the agent's and the verifier's own commands take by their own
// clocks. Every trial is checked first: turns passed, snapshots hold what the agent wrote, no process, directory or open file is left.
//   npm run bench:runner [-- --json] [-- --turns 20] [-- --files 300,3000] [-- --trials 1,32] [-- --calls 0,8] [-- --kinds none,work]
//   [-- --environment local|docker --image NAME]

import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { connectDocker } from '../runner/environments/_docker-client.ts'
import { type Measured, playTrials, type Shape } from './runner-trials.ts'
import { median, percentile } from './statistics.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    turns: { type: 'string', default: '20' },
    files: { type: 'string', default: '300,3000' },
    trials: { type: 'string', default: '1,32' },
    calls: { type: 'string', default: '0,8' },
    kinds: { type: 'string', default: 'none,work' },
    environment: { type: 'string', default: 'local' },
    image: { type: 'string' },
  },
})
const numbers = (text: string): number[] => text.split(',').map(Number)
const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`)

/** One at a time in every shape; many at once in the smallest, with fewer turns each. */
function* listShapes(): Iterable<Shape> {
  const shared = { environment: values.environment, image: values.image ?? null }
  const [files = 300, ...moreFiles] = numbers(values.files)
  for (const kind of values.kinds.split(',') as Array<Shape['kind']>)
    for (const trials of numbers(values.trials)) {
      const turns = trials === 1 ? Number(values.turns) : Math.max(3, Math.ceil(Number(values.turns) / 5))
      yield { ...shared, kind, trials, turns, files, calls: 0 }
    }
  for (const count of moreFiles) yield { ...shared, kind: 'none', trials: 1, turns: Number(values.turns), files: count, calls: 0 }
  for (const calls of numbers(values.calls).filter(count => count > 0))
    yield { ...shared, kind: 'none', trials: 1, turns: Number(values.turns), files, calls }
}

function summarize(shape: Shape, { turns, counted, cpu, wallMs, stages, rssBytesMax, filesOpenMax }: Measured) {
  const later = turns.filter(turn => turn.turn > 1).map(turn => turn.overheadMs)
  const sorted = [...later].sort((one, other) => one - other)
  const perTurn = (value: number): number => Math.round((value / counted) * 10) / 10
  const parts = [...stages.ms].map(([stage, ms]) => [stage, perTurn(ms)] as const)
  return {
    ...shape,
    measuredTurns: turns.length,
    firstTurnMs: Math.round(median(turns.filter(turn => turn.turn === 1).map(turn => turn.overheadMs))),
    medianMs: Math.round(median(later)),
    p90Ms: Math.round(percentile(sorted, 0.9)),
    maxMs: Math.round(sorted.at(-1) ?? 0),
    ownMs: Math.round(median(turns.map(turn => turn.ownMs))),
    cpuMsPerTurn: perTurn(cpu.selfMs + cpu.childrenMs),
    cpuSelfMsPerTurn: perTurn(cpu.selfMs),
    cpuChildrenMsPerTurn: perTurn(cpu.childrenMs),
    wallMsPerTurn: perTurn(wallMs),
    stagesMsPerTurn: Object.fromEntries(parts),
    processesPerTurn: Object.fromEntries([...stages.processes].map(([name, count]) => [name, perTurn(count)])),
    rssMb: Math.round(rssBytesMax / 1e6),
    filesOpenMax,
  }
}
type Row = ReturnType<typeof summarize>

function printRow(row: Row): void {
  const { kind, files, trials, calls, firstTurnMs, medianMs, p90Ms, maxMs, cpuMsPerTurn, wallMsPerTurn, rssMb, filesOpenMax } =
    row
  const name = `${kind}, ${files} files${calls > 0 ? `, ${calls} calls a turn` : ''}`
  const cells = [
    name,
    trials,
    row.measuredTurns,
    firstTurnMs,
    medianMs,
    p90Ms,
    maxMs,
    wallMsPerTurn,
    cpuMsPerTurn,
    rssMb,
    filesOpenMax,
  ]
  say(`| ${cells.join(' | ')} |`)
}

function printStages({ stagesMsPerTurn, processesPerTurn, wallMsPerTurn, kind, files, calls }: Row): void {
  say(`\n${kind}, ${files} files, ${calls} calls: wall ms per turn by stage`)
  const known = Object.values(stagesMsPerTurn).reduce((sum, ms) => sum + ms, 0)
  const rest = ['the rest (snapshots, mostly)', Math.round((wallMsPerTurn - known) * 10) / 10] as const
  for (const [stage, ms] of [...Object.entries(stagesMsPerTurn), rest]) say(`  ${stage.padEnd(32)} ${String(ms).padStart(8)}`)
  say(`  processes started: ${JSON.stringify(processesPerTurn)}`)
}

// Timers of the runner do not hold a process that has nothing else to do; a run has a proxy beside it.
const holding = setInterval(() => undefined, 60_000)
connectDocker({ host: process.env['DOCKER_HOST'] ?? null, runtimeDirectory: process.env['XDG_RUNTIME_DIR'] ?? null })
say(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.versions.node}, ${values.environment}`)
say(
  '| shape | trials at once | turns | first ms | median ms | p90 ms | max ms | wall ms/turn | CPU ms/turn | memory MB | files open |',
)
say(`|${'---|'.repeat(11)}`)
const rows: Row[] = []
for (const shape of listShapes()) {
  const row = summarize(shape, await playTrials(shape))
  rows.push(row)
  printRow(row)
}
for (const row of rows.filter(each => each.trials === 1)) printStages(row)
if (values.json) process.stdout.write(`${JSON.stringify({ load: loadavg(), rows }, null, 1)}\n`)
clearInterval(holding)
