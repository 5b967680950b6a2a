// One case of the proxy benchmark over all targets: correctness first, then warm-up, then interleaved repetitions, each followed
// by the wait for what a target still has to do, which is counted as its own.

import { join } from 'node:path'
import { readUsage, resetPeak, waitUntilIdle } from './process-usage.ts'
import type { Case } from './proxy-cases.ts'
import type { LoadCommand, LoadResult } from './proxy-load.ts'
import { checkRecord, type RecordCheck } from './proxy-record-check.ts'
import { makeFolder, type OpenTarget, recordBytes, type Target } from './proxy-targets.ts'
import { median, spread } from './statistics.ts'

export interface Settings {
  readonly seconds: number
  readonly repetitions: number
  /** Turnpike writes its CPU profiles here; profiling costs, so the figures are then no result. Null for none. */
  readonly profileDirectory: string | null
}

/** Did the request reach the upstream as it was sent: byte for byte, or rewritten with the same meaning. */
export type Fidelity = 'exact' | 'rewritten'

export interface Measured {
  readonly target: string
  readonly kind: 'measured'
  readonly fidelity: Fidelity
  readonly requests: number
  readonly requestBytes: number
  readonly perSecond: number
  /** Requests over the time of the load plus the CPU time that was left to do when it ended. */
  readonly sustainedPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly firstByteP50Us: number
  /** User and system time of the process tree for one request, what it did after the load included. */
  readonly cpuUs: number
  /** The part of `cpuUs` that was spent after the last answer. */
  readonly cpuAfterUs: number
  /** The part of `cpuUs` on other threads than the main thread of the first process. */
  readonly cpuOffMainUs: number
  /** False when it had not come to rest within the limit: `cpuUs` is then too low. */
  readonly settled: boolean
  readonly diskBytesPerRequest: number | null
  readonly peakRssBytes: number
  /** Spread of `cpuUs` over the repetitions, as a share of the median. */
  readonly cpuSpread: number
}

export type Outcome = Measured | { readonly target: string; readonly kind: 'wrong'; readonly reason: string }

export interface CaseResult {
  readonly case: Case
  readonly outcomes: readonly Outcome[]
  /** What Turnpike recorded of it, read back; null when it was not among the targets. */
  readonly record: RecordCheck | null
}

export interface Bench {
  readonly load: (command: LoadCommand) => Promise<LoadResult>
  readonly targets: readonly Target[]
  readonly upstreamPort: number
  readonly directory: string
}

/** One target during one case. */
interface Contender {
  readonly id: string
  readonly opened: OpenTarget
  readonly warmUpSeconds: number
  readonly repetitions: Repetition[]
  fidelity: Fidelity
  answered: number
  wrong: string | null
}

interface Repetition extends LoadResult {
  readonly cpuUs: number
  readonly cpuAfterUs: number
  readonly offMainUs: number
  readonly settled: boolean
}

const settleLimitMs = 60_000

/** A profiler never rests. */
const limitMsOf = ({ profileDirectory }: Settings): number => (profileDirectory === null ? settleLimitMs : 3000)

/** Every target starts afresh, so that disk and memory are this case's alone. */
export async function measureCase(bench: Bench, wanted: Case, settings: Settings): Promise<CaseResult> {
  const contenders: Contender[] = []
  try {
    await Promise.all(
      bench.targets.map(async target => {
        contenders.push(
          await openContender(bench, target, settings.profileDirectory && join(settings.profileDirectory, wanted.id)),
        )
      }),
    )
    contenders.sort((one, other) => orderOf(bench, one) - orderOf(bench, other))
    for (const contender of contenders) {
      const { id, opened } = contender
      await bench.load({ kind: 'open', target: id, port: opened.port, headers: opened.headers, case: wanted })
      await checkContender(bench, contender)
      if (contender.wrong !== null || opened.started === null) continue
      await warmUp(bench, contender, wanted, limitMsOf(settings))
      resetPeak(opened.started.pid)
    }
    for (let repetition = 0; repetition < settings.repetitions; repetition++)
      for (const contender of contenders)
        if (contender.wrong === null) contender.repetitions.push(await measureOnce(bench, contender, settings))
    const peaks = contenders.map(({ opened }) => (opened.started === null ? 0 : readUsage(opened.started.pid).peakRssBytes))
    for (const { id } of contenders) await bench.load({ kind: 'close', target: id })
    await stopAll(contenders)
    const turnpike = contenders.find(({ id }) => id === 'turnpike')
    const record = turnpike?.opened.record ? await checkRecord(turnpike.opened.record, turnpike.answered) : null
    const outcomes = contenders.map((contender, at) => summarise(contender, peaks[at] ?? 0))
    return { case: wanted, outcomes, record }
  } finally {
    await stopAll(contenders)
  }
}

function orderOf({ targets }: Bench, { id }: Contender): number {
  return targets.findIndex(target => target.id === id)
}

async function openContender(bench: Bench, target: Target, profileDirectory: string | null): Promise<Contender> {
  const directory = makeFolder(bench.directory, target.id)
  const opened = await target.open({ upstreamPort: bench.upstreamPort, directory, profileDirectory })
  const warmUpSeconds = target.justInTime ? 2.5 : 0.5
  return { id: target.id, opened, warmUpSeconds, repetitions: [], fidelity: 'exact', answered: 0, wrong: null }
}

async function stopAll(contenders: readonly Contender[]): Promise<void> {
  await Promise.all(contenders.map(({ opened }) => opened.started?.stop()))
}

/** Compiled code and pools as in a long run: many connections, so that even a case with one sees enough calls in little time. */
async function warmUp(bench: Bench, contender: Contender, wanted: Case, limitMs: number): Promise<void> {
  const { id, opened, warmUpSeconds } = contender
  const many: Case = { ...wanted, id: `${wanted.id}-warm-up`, connections: Math.max(16, wanted.connections) }
  const target = `${id}/warm-up`
  await bench.load({ kind: 'open', target, port: opened.port, headers: opened.headers, case: many })
  const { requests } = await bench.load({ kind: 'measure', target, seconds: warmUpSeconds, requestsEach: 1e9, checkEvery: 16 })
  await bench.load({ kind: 'close', target })
  contender.answered += requests
  if (opened.started !== null) await waitUntilIdle(opened.started.pid, limitMs)
}

/** A handful of requests on every connection, each held against its hash at the upstream, each answer against what was sent. */
async function checkContender(bench: Bench, contender: Contender): Promise<void> {
  const result = await bench.load({ kind: 'measure', target: contender.id, seconds: 60, requestsEach: 4, checkEvery: 1 })
  const { exact, sameJson, different } = result.checked
  contender.answered += result.requests
  contender.fidelity = sameJson > 0 ? 'rewritten' : 'exact'
  if (result.errors > 0) contender.wrong = result.firstError ?? 'errors'
  else if (different > 0) contender.wrong = `${different} of ${result.requests} requests reached the upstream altered`
  else if (exact + sameJson < result.requests)
    contender.wrong = 'the mark that lets the upstream check requests did not get through'
}

async function measureOnce(bench: Bench, contender: Contender, settings: Settings): Promise<Repetition> {
  const pid = contender.opened.started?.pid
  const before = pid === undefined ? null : readUsage(pid)
  const result = await bench.load({
    kind: 'measure',
    target: contender.id,
    seconds: settings.seconds,
    requestsEach: 1e9,
    checkEvery: 16,
  })
  contender.answered += result.requests
  const altered = contender.fidelity === 'exact' && result.checked.different + result.checked.sameJson > 0
  if (result.errors > 0 || altered) contender.wrong = result.firstError ?? 'requests were altered under load'
  if (pid === undefined || before === null) return { ...result, cpuUs: 0, cpuAfterUs: 0, offMainUs: 0, settled: true }
  const atEnd = readUsage(pid)
  // Only what keeps a record may have work left.
  const { idle } = await waitUntilIdle(pid, limitMsOf(settings), contender.opened.record === null ? 1 : 3)
  const after = readUsage(pid)
  return {
    ...result,
    cpuUs: after.cpuUs - before.cpuUs,
    cpuAfterUs: after.cpuUs - atEnd.cpuUs,
    offMainUs: after.offMainUs - before.offMainUs,
    settled: idle,
  }
}

function summarise({ id, opened, repetitions, fidelity, answered, wrong }: Contender, peakRssBytes: number): Outcome {
  if (wrong !== null) return { target: id, kind: 'wrong', reason: wrong }
  const over = (read: (one: Repetition) => number): number => median(repetitions.map(read))
  const disk = recordBytes(opened.record)
  return {
    target: id,
    kind: 'measured',
    fidelity,
    requests: repetitions.reduce((sum, one) => sum + one.requests, 0),
    requestBytes: Math.round(over(one => one.requestBytes)),
    perSecond: over(one => one.perSecond),
    sustainedPerSecond: over(one => one.requests / (one.seconds + one.cpuAfterUs / 1e6)),
    p50Us: over(one => one.p50Us),
    p99Us: over(one => one.p99Us),
    firstByteP50Us: over(one => one.firstByteP50Us),
    cpuUs: over(one => one.cpuUs / one.requests),
    cpuAfterUs: over(one => one.cpuAfterUs / one.requests),
    cpuOffMainUs: over(one => one.offMainUs / one.requests),
    settled: repetitions.every(one => one.settled),
    diskBytesPerRequest: disk === null ? null : disk / answered,
    peakRssBytes,
    cpuSpread: spread(repetitions.map(one => one.cpuUs / one.requests)),
  }
}
