// What recording costs on WebSockets: questions of 2 KB, answers of 40 events, on 1 and on 32 sockets; Turnpike beside no proxy, a bare
// TCP pipe, nginx, httpxy and mitmproxy. Every message is compared byte for byte on both sides, the whole record afterwards.
//   npm run bench:websocket [-- --json] [-- --only TARGET[,TARGET…]] [-- --seconds N] [-- --repetitions N]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { start, startHelper, waitForOutput } from './pinned-process.ts'
import { readUsage, waitUntilIdle } from './process-usage.ts'
import { direct, httpxy, makeFolder, nginx, type OpenTarget, recordingMitmdump, type Target, turnpike } from './proxy-targets.ts'
import { median, showBytes } from './statistics.ts'
import { answerEvents } from './websocket-content.ts'
import type { SocketCommand, SocketResult } from './websocket-load.ts'
import { checkSocketRecord, type SocketRecordCheck } from './websocket-record-check.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    seconds: { type: 'string', default: '1' },
    repetitions: { type: 'string', default: '3' },
  },
})
const seconds = Number(values.seconds)
const repetitions = Number(values.repetitions)
const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`)

const pipe: Target = {
  id: 'pipe',
  title: 'a bare TCP pipe on Node',
  missing: null,
  justInTime: true,
  open: async ({ upstreamPort }) => {
    const file = fileURLToPath(new URL('tcp-pipe.ts', import.meta.url))
    const started = start(process.execPath, ['--import', 'tsx', file, String(upstreamPort)], { core: 'measured' })
    const [, port] = await waitForOutput(started, /listening (\d+)/)
    return { port: Number(port), started, headers: '', record: null }
  },
}

interface Contender {
  readonly target: Target
  readonly opened: OpenTarget
  readonly results: Array<SocketResult & { readonly cpuUs: number }>
  answered: number
  wrong: string | null
}

interface Row {
  readonly target: string
  readonly sockets: number
  readonly wrong: string | null
  readonly answers: number
  readonly answersPerSecond: number
  readonly messagesPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly firstEventP50Us: number
  /** Of all its processes, what it did after the last answer included. */
  readonly cpuUsPerAnswer: number
}

type Load = (command: SocketCommand) => Promise<SocketResult>

async function measureOnce(load: Load, contender: Contender): Promise<void> {
  const { target, opened } = contender
  const pid = opened.started?.pid
  const before = pid === undefined ? 0 : readUsage(pid).cpuUs
  const result = await load({ kind: 'measure', target: target.id, seconds, answersEach: 1e9 })
  if (pid !== undefined) await waitUntilIdle(pid, 60_000, opened.record === null ? 1 : 3)
  const cpuUs = pid === undefined ? 0 : readUsage(pid).cpuUs - before
  contender.answered += result.answers
  contender.wrong ??= result.firstError
  contender.results.push({ ...result, cpuUs })
}

/** Correctness first, then warm. */
async function prepare(load: Load, contender: Contender, sockets: number): Promise<void> {
  const { target, opened } = contender
  try {
    await load({ kind: 'open', target: target.id, port: opened.port, sockets })
    const check = await load({ kind: 'measure', target: target.id, seconds: 20, answersEach: 3 })
    const warm = await load({ kind: 'measure', target: target.id, seconds: target.justInTime ? 2 : 0.5, answersEach: 1e9 })
    contender.answered += check.answers + warm.answers
    contender.wrong = check.firstError ?? warm.firstError
  } catch (error) {
    contender.wrong = error instanceof Error ? error.message : String(error)
  }
}

async function measureCase(load: Load, sockets: number, targets: readonly Target[], upstreamPort: number, directory: string) {
  const contenders: Contender[] = []
  try {
    for (const target of targets) {
      const folder = makeFolder(directory, target.id)
      const opened = await target.open({ upstreamPort, directory: folder, profileDirectory: null })
      contenders.push({ target, opened, results: [], answered: 0, wrong: null })
    }
    for (const contender of contenders) await prepare(load, contender, sockets)
    for (let repetition = 0; repetition < repetitions; repetition++)
      for (const contender of contenders) if (contender.wrong === null) await measureOnce(load, contender)
    for (const { target } of contenders) await load({ kind: 'close', target: target.id })
  } finally {
    await Promise.all(contenders.map(({ opened }) => opened.started?.stop()))
  }
  const recording = contenders.find(({ target }) => target.id === 'turnpike')
  const record = recording?.opened.record ? await checkSocketRecord(recording.opened.record, recording.answered) : null
  return { sockets, rows: contenders.map(contender => summarise(contender, sockets)), record }
}

function summarise({ target, results, wrong }: Contender, sockets: number): Row {
  const over = (read: (one: Contender['results'][number]) => number): number => median(results.map(read))
  const answersPerSecond = over(one => one.answers / one.seconds)
  return {
    target: target.id,
    sockets,
    wrong,
    answers: results.reduce((sum, one) => sum + one.answers, 0),
    answersPerSecond,
    messagesPerSecond: answersPerSecond * (answerEvents + 1),
    p50Us: over(one => one.p50Us),
    p99Us: over(one => one.p99Us),
    firstEventP50Us: over(one => one.firstEventP50Us),
    cpuUsPerAnswer: over(one => one.cpuUs / one.answers),
  }
}

function render(sockets: number, rows: readonly Row[], record: SocketRecordCheck | null): string {
  const yardstick = rows.find(({ target }) => target === 'direct')
  const own = rows.find(({ target }) => target === 'turnpike')
  const head = [
    'target',
    'answers/s',
    'messages/s',
    'p50 added',
    'p99 added',
    'first event added',
    'CPU µs/answer',
    'CPU: Turnpike ×',
    'rate: Turnpike ×',
  ]
  const table = new Table({ head, style: { head: [], border: [], compact: true } })
  for (const row of rows) {
    if (row.wrong !== null) continue
    const isYardstick = row === yardstick
    const added = (read: (one: Row) => number): string =>
      isYardstick || yardstick === undefined ? `(${Math.round(read(row))} µs)` : `${Math.round(read(row) - read(yardstick))} µs`
    table.push([
      row.target,
      Math.round(row.answersPerSecond),
      Math.round(row.messagesPerSecond),
      added(one => one.p50Us),
      added(one => one.p99Us),
      added(one => one.firstEventP50Us),
      isYardstick ? '–' : Math.round(row.cpuUsPerAnswer),
      isYardstick || own === undefined ? '–' : (own.cpuUsPerAnswer / row.cpuUsPerAnswer).toFixed(2),
      own === undefined ? '–' : (own.answersPerSecond / row.answersPerSecond).toFixed(2),
    ])
  }
  const wrong = rows.flatMap(({ target, wrong: why }) =>
    why === null ? [] : [`  ${target}: answers wrongly, not measured: ${why}`],
  )
  return [`${sockets} socket${sockets === 1 ? '' : 's'}`, table.toString(), ...wrong, ...describe(record)].join('\n')
}

function describe(record: SocketRecordCheck | null): string[] {
  if (record === null) return []
  const { exchanges, decoded, bytesRaw, bytesStored, faults } = record
  const verdict = faults.length === 0 ? 'whole' : `NOT whole:\n    ${faults.slice(0, 10).join('\n    ')}`
  return [
    `  record: ${exchanges} calls, every message read back and compared, ${decoded} decoded: ${showBytes(bytesRaw)} in ${showBytes(bytesStored)}: ${verdict}`,
  ]
}

async function main(): Promise<boolean> {
  const known = [direct, pipe, nginx, httpxy, turnpike, recordingMitmdump]
  const names = values.only?.split(',')
  const unknown = names?.find(name => known.every(({ id }) => id !== name))
  if (unknown !== undefined) throw new Error(`--only: there is no ${unknown}; there are ${known.map(({ id }) => id).join(', ')}`)
  const wanted = known.filter(({ id }) => names === undefined || id === 'direct' || names.includes(id))
  for (const { title, missing } of wanted) if (missing !== null) say(`${title}: not installed: skipped (needs ${missing})`)
  const directory = mkdtempSync(join(tmpdir(), 'turnpike-bench-'))
  const upstream = startHelper(new URL('websocket-upstream.ts', import.meta.url), 'measuring')
  const helper = startHelper(new URL('websocket-load.ts', import.meta.url), 'measuring')
  const [{ port }] = [(await upstream.first) as { port: number }, await helper.first]
  const load: Load = async command => {
    const answer = (await helper.ask(command)) as { result?: SocketResult; error?: string }
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.result as SocketResult
  }
  try {
    const results = []
    for (const sockets of [1, 32]) {
      const result = await measureCase(
        load,
        sockets,
        wanted.filter(({ missing }) => missing === null),
        port,
        directory,
      )
      results.push(result)
      say(`\n${render(sockets, result.rows, result.record)}`)
    }
    if (values.json) console.log(JSON.stringify({ seconds, repetitions, results }, null, 2))
    const isOwn = ({ target, wrong }: Row): boolean => target === 'turnpike' && wrong !== null
    return results.every(({ rows, record }) => !rows.some(isOwn) && (record?.faults.length ?? 0) === 0)
  } finally {
    await Promise.all([upstream.started.stop(), helper.started.stop()])
    rmSync(directory, { recursive: true, force: true })
  }
}

// A wrong record or a wrong answer fails the command.
process.exitCode = (await main()) ? 0 : 1
