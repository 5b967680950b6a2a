// One case of the proxy benchmark over all targets: correctness first, then warm-up, then interleaved repetitions, each followed
// by the wait for what a target still has to do, which is counted as its own.
import type { Case } from './proxy-cases.ts'
import type { LoadCommand, LoadResult } from './proxy-load.ts'
import { type OpenTarget, recordBytes, type Target } from './proxy-targets.ts'
import { readUsage, resetPeak, waitUntilIdle } from './process-usage.ts'
import { median, spread } from './statistics.ts'

export interface Settings {
  readonly seconds: number
  readonly repetitions: number
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

export interface Bench {
  readonly load: (command: LoadCommand) => Promise<LoadResult>
  readonly open: ReadonlyArray<{ readonly target: Target; readonly opened: OpenTarget }>
  /** Every request a target has answered so far. */
  readonly answered: Map<string, number>
}

interface Repetition extends LoadResult {
  readonly cpuUs: number
  readonly cpuAfterUs: number
  readonly offMainUs: number
  readonly settled: boolean
}

const settleLimitMs = 60_000

export async function measureCase(bench: Bench, wanted: Case, settings: Settings): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const fit: Array<{ id: string; opened: OpenTarget; fidelity: Fidelity; repetitions: Repetition[]; diskBefore: number; answeredBefore: number }> = []
  for (const { target, opened } of bench.open) {
    const answeredBefore = bench.answered.get(target.id) ?? 0
    const diskBefore = recordBytes(opened.record) ?? 0
    await bench.load({ kind: 'open', target: target.id, port: opened.port, headers: opened.headers, case: wanted })
    const checked = await checkTarget(bench, target.id)
    if ('reason' in checked) {
      outcomes.push({ target: target.id, kind: 'wrong', reason: checked.reason })
      await bench.load({ kind: 'close', target: target.id })
      continue
    }
    fit.push({ id: target.id, opened, fidelity: checked.fidelity, repetitions: [], diskBefore, answeredBefore })
    await measureOnce(bench, target.id, opened, Math.max(0.4, settings.seconds / 2))
    if (opened.started !== null) resetPeak(opened.started.pid)
  }
  for (let repetition = 0; repetition < settings.repetitions; repetition++)
    for (const { id, opened, repetitions } of fit) repetitions.push(await measureOnce(bench, id, opened, settings.seconds))
  for (const { id, opened, fidelity, repetitions, diskBefore, answeredBefore } of fit) {
    await bench.load({ kind: 'close', target: id })
    const failed = repetitions.find(one => one.errors > 0 || (fidelity === 'exact' && one.checked.different + one.checked.sameJson > 0))
    if (failed !== undefined) {
      outcomes.push({ target: id, kind: 'wrong', reason: failed.firstError ?? 'requests were altered under load' })
      continue
    }
    const disk = recordBytes(opened.record)
    const requests = (bench.answered.get(id) ?? 0) - answeredBefore
    const diskBytesPerRequest = disk === null ? null : (disk - diskBefore) / requests
    outcomes.push(summarise(id, opened, fidelity, repetitions, diskBytesPerRequest))
  }
  return outcomes
}

/** A handful of requests on every connection, each held against its hash at the upstream, each answer against what was sent. */
async function checkTarget(bench: Bench, target: string): Promise<{ readonly fidelity: Fidelity } | { readonly reason: string }> {
  const result = await bench.load({ kind: 'measure', target, seconds: 60, requestsEach: 4, checkEvery: 1 })
  count(bench, target, result)
  const { exact, sameJson, different } = result.checked
  if (result.errors > 0) return { reason: result.firstError ?? 'errors' }
  if (different > 0) return { reason: `${different} of ${result.requests} requests reached the upstream altered` }
  if (exact + sameJson < result.requests) return { reason: 'the mark that lets the upstream check requests did not get through' }
  return { fidelity: sameJson > 0 ? 'rewritten' : 'exact' }
}

function count(bench: Bench, target: string, result: LoadResult): void {
  bench.answered.set(target, (bench.answered.get(target) ?? 0) + result.requests)
}

async function measureOnce(bench: Bench, target: string, opened: OpenTarget, seconds: number): Promise<Repetition> {
  const pid = opened.started?.pid
  const before = pid === undefined ? null : readUsage(pid)
  const result = await bench.load({ kind: 'measure', target, seconds, requestsEach: Number.MAX_SAFE_INTEGER, checkEvery: 16 })
  count(bench, target, result)
  if (pid === undefined || before === null) return { ...result, cpuUs: 0, cpuAfterUs: 0, offMainUs: 0, settled: true }
  const atEnd = readUsage(pid)
  const { idle } = await waitUntilIdle(pid, settleLimitMs)
  const after = readUsage(pid)
  return {
    ...result,
    cpuUs: after.cpuUs - before.cpuUs,
    cpuAfterUs: after.cpuUs - atEnd.cpuUs,
    offMainUs: after.offMainUs - before.offMainUs,
    settled: idle,
  }
}

function summarise(
  target: string,
  opened: OpenTarget,
  fidelity: Fidelity,
  repetitions: readonly Repetition[],
  diskBytesPerRequest: number | null,
): Measured {
  const over = (read: (one: Repetition) => number): number => median(repetitions.map(read))
  return {
    target,
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
    diskBytesPerRequest,
    peakRssBytes: opened.started === null ? 0 : readUsage(opened.started.pid).peakRssBytes,
    cpuSpread: spread(repetitions.map(one => one.cpuUs / one.requests)),
  }
}
