// CPU time and memory of a process and all its descendants, from /proc: per thread in nanoseconds where the kernel keeps
// schedstat, else in clock ticks. Linux only; elsewhere every figure is 0 and the benchmarks say so.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

export interface Usage {
  /** User and system time of all threads of all processes. */
  readonly cpuUs: number
  /** The part that is not the first process's main thread: workers, thread pools, children. */
  readonly offMainUs: number
  /** Highest resident memory so far, summed over the processes. */
  readonly peakRssBytes: number
  readonly rssBytes: number
}

const read = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // the process has ended between two looks, or there is no /proc
  }
}

const list = (path: string): string[] => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** The process and everything it started. */
export function processTree(pid: number): number[] {
  const parents = new Map<number, number[]>()
  for (const name of list('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = read(`/proc/${name}/stat`)
    const parent = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (Number.isNaN(parent)) continue
    parents.set(parent, [...(parents.get(parent) ?? []), Number(name)])
  }
  const tree = [pid]
  for (const member of tree) tree.push(...(parents.get(member) ?? []))
  return tree
}

function threadUs(pid: number, thread: string): number {
  const schedstat = read(`/proc/${pid}/task/${thread}/schedstat`)
  if (schedstat !== null && !schedstat.startsWith('0 0 0')) return Number(schedstat.split(' ')[0]) / 1000
  const stat = read(`/proc/${pid}/task/${thread}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10_000
}

const statusBytes = (status: string | null, key: string): number =>
  Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status ?? '')?.[1] ?? 0) * 1024

export function readUsage(pid: number): Usage {
  let [cpuUs, offMainUs, peakRssBytes, rssBytes] = [0, 0, 0, 0]
  for (const member of processTree(pid)) {
    for (const thread of list(`/proc/${member}/task`)) {
      const us = threadUs(member, thread)
      cpuUs += us
      if (member !== pid || thread !== String(pid)) offMainUs += us
    }
    const status = read(`/proc/${member}/status`)
    peakRssBytes += statusBytes(status, 'VmHWM')
    rssBytes += statusBytes(status, 'VmRSS')
  }
  return { cpuUs, offMainUs, peakRssBytes, rssBytes }
}

/** Lets `peakRssBytes` start anew at what is resident now. */
export function resetPeak(pid: number): void {
  for (const member of processTree(pid)) {
    try {
      writeFileSync(`/proc/${member}/clear_refs`, '5')
    } catch {} // not ours to reset: the peak then covers the time before as well
  }
}

/** Waits until the processes have come to rest: under 3 % of a core for so many looks in a row, ten a second. */
export async function waitUntilIdle(
  pid: number,
  limitMs: number,
  looks = 3,
): Promise<{ readonly idle: boolean; readonly ms: number }> {
  const startedAt = performance.now()
  const lookMs = 100
  for (let calm = 0, last = readUsage(pid).cpuUs; performance.now() - startedAt < limitMs; ) {
    await new Promise(resolve => setTimeout(resolve, lookMs))
    const now = readUsage(pid).cpuUs
    calm = now - last < lookMs * 1000 * 0.03 ? calm + 1 : 0
    last = now
    if (calm === looks) return { idle: true, ms: performance.now() - startedAt - looks * lookMs }
  }
  return { idle: false, ms: limitMs }
}

/** Bytes of a file, or of all files below a directory. */
export function diskBytes(path: string, stat: (path: string) => { size: number; isDirectory: () => boolean }): number {
  const entry = stat(path)
  if (!entry.isDirectory()) return entry.size
  return list(path).reduce((sum, name) => sum + diskBytes(`${path}/${name}`, stat), 0)
}
