// Many slow streams at once: are they all whole, how late do their events come, what does each cost in memory, and does a fast
// stream or a client that does not read delay the others?
//   npm run bench:streams [-- --json] [-- --seconds N] [-- --streams N]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openStore } from '../store/open.ts'
import { startHelper } from './pinned-process.ts'
import { readUsage, waitUntilIdle } from './process-usage.ts'
import { makeFolder, type OpenTarget, targets } from './proxy-targets.ts'
import { median, showBytes } from './statistics.ts'
import type { StreamsCommand, StreamsResult } from './streams-load.ts'
import type { SentStream } from './streams-upstream.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '30' },
    streams: { type: 'string', default: '256' },
  },
})
const seconds = Number(values.seconds)
const slow = Number(values.streams)
const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`)

interface Phase extends Omit<StreamsResult, 'streams'> {
  readonly name: string
  /** Streams that did not arrive byte for byte. */
  readonly broken: readonly string[]
  readonly rssBefore: number
  readonly rssDuring: number
  readonly cpuShare: number
  readonly loopLagMs: { readonly p50: number; readonly p99: number; readonly max: number } | null
  /** What the upstream could get rid of while the client of the large answer read nothing. */
  readonly unreadBytes: number | null
}

const upstream = startHelper(new URL('streams-upstream.ts', import.meta.url), 'measuring')
const load = startHelper(new URL('streams-load.ts', import.meta.url), 'measuring')
const sentStreams: SentStream[] = []

/** The rest of the run is watched from here while the load generator works. */
async function watch<T>(work: Promise<T>, look: () => Promise<void>): Promise<T> {
  let over = false
  const done = work.finally(() => {
    over = true
  })
  while (!over) {
    await Promise.race([done, new Promise(resolve => setTimeout(resolve, 500))])
    if (!over) await look()
  }
  return done
}

async function runPhase(
  name: string,
  opened: OpenTarget,
  options: Pick<StreamsCommand, 'seconds' | 'slow' | 'disturbed'>,
): Promise<Phase> {
  const pid = opened.started?.pid
  if (pid !== undefined) await waitUntilIdle(pid, 30_000)
  if (opened.started !== null) await readLoopLag(opened) // starts the count anew
  const before = pid === undefined ? null : readUsage(pid)
  const rss: number[] = []
  const unread: number[] = []
  const startedAt = performance.now()
  const asked = load.ask({ ...options, port: opened.port, prefix: name.replaceAll(' ', '-') }) as Promise<{
    result: StreamsResult
    error?: string
  }>
  const { result } = await watch(asked, async () => {
    const elapsed = (performance.now() - startedAt) / 1000
    // The middle of the run: all streams are open, none is being opened or closed.
    if (pid !== undefined && elapsed > options.seconds * 0.3 && elapsed < options.seconds * 0.95)
      rss.push(readUsage(pid).rssBytes)
    if (!options.disturbed || elapsed > options.seconds * 0.75) return
    const { progress } = (await upstream.ask({ kind: 'progress' })) as { progress: Record<string, number> }
    unread.push(...Object.values(progress))
  })
  const after = pid === undefined ? null : readUsage(pid)
  const wall = performance.now() - startedAt
  const { sent } = (await upstream.ask({ kind: 'take' })) as { sent: SentStream[] }
  if (opened.record !== null) sentStreams.push(...sent)
  const hashes = new Map(sent.map(one => [one.stream, one]))
  const broken = result.streams.filter(({ stream, sha256, error }) => error !== null || hashes.get(stream)?.sha256 !== sha256)
  return {
    name,
    broken: broken.map(({ stream, error }) => `${stream}: ${error ?? 'other bytes than were sent'}`),
    delayMs: result.delayMs,
    worstStreamMeanMs: result.worstStreamMeanMs,
    events: result.events,
    rssBefore: before?.rssBytes ?? 0,
    rssDuring: median(rss),
    cpuShare: before === null || after === null ? 0 : (after.cpuUs - before.cpuUs) / 1000 / wall,
    loopLagMs: opened.started === null ? null : await readLoopLag(opened),
    unreadBytes: unread.length === 0 ? null : Math.max(...unread),
  }
}

async function readLoopLag({ started }: OpenTarget): Promise<Phase['loopLagMs']> {
  if (started === null) return null
  const seen = started.output().length
  process.kill(started.pid, 'SIGUSR2')
  for (let look = 0; look < 100; look++) {
    const line = /loop-lag (\{.*\})\n/.exec(started.output().slice(seen))?.[1]
    if (line !== undefined) return JSON.parse(line) as Phase['loopLagMs']
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return null
}

/** Every stream in the store, whole, with the hash that the upstream computed. */
async function checkStore(directory: string): Promise<string[]> {
  const store = await openStore(directory, { readOnly: true })
  try {
    const exchanges = await store.exchanges({})
    const recorded = new Map(
      exchanges.map(one => [one.requestHeaders.find(([name]) => name.toLowerCase() === 'x-bench-stream')?.[1], one]),
    )
    const faults = sentStreams.flatMap(({ stream, sha256 }) => {
      const exchange = recorded.get(stream)
      if (exchange === undefined) return [`${stream} is not recorded`]
      if (exchange.outcome !== 'complete') return [`${stream} is recorded as ${exchange.outcome}`]
      return exchange.responseSha256 === sha256 ? [] : [`${stream} is recorded with other bytes`]
    })
    if (exchanges.length !== sentStreams.length)
      faults.push(`${sentStreams.length} streams were sent, ${exchanges.length} are recorded`)
    const { bad } = await store.verify()
    return [...faults, ...bad.map(({ exchange, what }) => `${exchange}: ${what}`)]
  } finally {
    await store.close()
  }
}

function describePhase(phase: Phase, direct: Phase | undefined): string {
  const { delayMs, worstStreamMeanMs, events, broken, rssBefore, rssDuring, loopLagMs, cpuShare, unreadBytes } = phase
  const ms = (value: number): string => `${value.toFixed(2)} ms`
  const against = (read: (one: Phase) => number): string => (direct === undefined ? '' : ` (direct ${ms(read(direct))})`)
  const lines = [
    phase.name,
    `  events of slow streams  ${events}, streams not byte-exact: ${broken.length === 0 ? 'none' : broken.slice(0, 5).join('; ')}`,
    `  delay of an event       p50 ${ms(delayMs.p50)}${against(one => one.delayMs.p50)}, p99 ${ms(delayMs.p99)}${against(one => one.delayMs.p99)}, max ${ms(delayMs.max)}${against(one => one.delayMs.max)}`,
    `  latest stream on average ${ms(worstStreamMeanMs)}${against(one => one.worstStreamMeanMs)}`,
  ]
  if (unreadBytes !== null) lines.push(`  client that does not read: the upstream was held back after ${showBytes(unreadBytes)}`)
  if (loopLagMs === null) return lines.join('\n')
  return [
    ...lines,
    `  memory                  ${showBytes(rssBefore)} before, ${showBytes(rssDuring)} during: ${showBytes((rssDuring - rssBefore) / slow)} a stream`,
    `  event loop late by      p50 ${ms(loopLagMs.p50)}, p99 ${ms(loopLagMs.p99)}, max ${ms(loopLagMs.max)}; CPU ${(cpuShare * 100).toFixed(0)} % of a core`,
  ].join('\n')
}

async function main(): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'turnpike-streams-'))
  const [{ port }] = [(await upstream.first) as { port: number }, await load.first]
  const preload = new URL('loop-lag.mjs', import.meta.url).pathname
  const open = (id: string): Promise<OpenTarget> | null => {
    const target = targets.find(one => one.id === id)
    if (target?.missing === null)
      return target.open({ upstreamPort: port, directory: makeFolder(directory, id), profileDirectory: null, preload })
    say(`${id}: not installed: skipped (needs ${target?.missing})`)
    return null
  }
  const [direct, httpxy, turnpike] = await Promise.all(['direct', 'httpxy', 'turnpike'].map(open))
  if (!direct || !turnpike) return false
  const phases: Phase[] = []
  try {
    await runPhase('warm-up', turnpike, { seconds: 2, slow: 32, disturbed: false })
    const baseline = Math.min(10, seconds)
    for (const disturbed of [false, true]) {
      const what = disturbed ? 'with a fast stream and a client that does not read' : 'alone'
      const plain = await runPhase(`direct ${what}`, direct, { seconds: baseline, slow, disturbed })
      const bare = httpxy ? await runPhase(`httpxy ${what}`, httpxy, { seconds: baseline, slow, disturbed }) : null
      const through = await runPhase(`turnpike ${what}`, turnpike, { seconds, slow, disturbed })
      for (const phase of [plain, bare, through]) {
        if (phase === null) continue
        phases.push(phase)
        say(describePhase(phase, phase === plain ? undefined : plain))
      }
    }
    await turnpike.started?.stop()
    const faults = await checkStore(turnpike.record ?? '')
    say(
      `record: ${sentStreams.length} streams: ${faults.length === 0 ? 'every one whole, with the hash the upstream computed' : faults.slice(0, 10).join('\n  ')}`,
    )
    if (values.json) console.log(JSON.stringify({ seconds, slow, phases, faults }, null, 2))
    return faults.length === 0 && phases.every(({ broken }) => broken.length === 0)
  } finally {
    await Promise.all([upstream, load].map(({ started }) => started.stop()))
    await Promise.all([httpxy, turnpike].map(one => one?.started?.stop()))
    rmSync(directory, { recursive: true, force: true })
  }
}

say(`${slow} slow streams, an event every 50-100 ms each, for ${seconds} s. Other work on the machine moves every figure.\n`)
process.exitCode = (await main()) ? 0 : 1
