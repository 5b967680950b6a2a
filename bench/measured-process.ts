// Runs a program to its end and says what it took, as its user feels it: from before it starts until it has ended. Memory is the highest
// resident set of the whole process as the kernel kept it (GNU time; elsewhere read from /proc every few milliseconds).

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readUsage } from './process-usage.ts'

export interface Taken {
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakRssBytes: number
  readonly stdout: string
  readonly status: number | null
  readonly stderr: string
}

const gnuTime = '/usr/bin/time'
const hasGnuTime = existsSync(gnuTime)
const lookMs = 5

export async function runMeasured(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Taken> {
  const scratch = mkdtempSync(join(tmpdir(), 'turnpike-time-'))
  const report = join(scratch, 'time')
  const [file, argv] = hasGnuTime ? [gnuTime, ['-f', '%U %S %M', '-o', report, command, ...args]] : [command, [...args]]
  const begunAt = performance.now()
  const child = spawn(file, argv, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr, seenRss, seenCpu] = ['', '', 0, 0]
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000)
  })
  const look = (): void => {
    const usage = readUsage(child.pid ?? 0)
    seenRss = Math.max(seenRss, usage.peakRssBytes)
    seenCpu = Math.max(seenCpu, usage.cpuUs / 1000)
  }
  const timer = hasGnuTime ? null : setInterval(look, lookMs)
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve(code))
  })
  const wallMs = performance.now() - begunAt
  if (timer !== null) clearInterval(timer)
  // The line before it says so when the program failed.
  const line = hasGnuTime ? (readFileSync(report, 'utf8').trim().split('\n').at(-1) ?? '') : ''
  rmSync(scratch, { recursive: true, force: true })
  const [user = 0, system = 0, kilobytes = 0] = line.split(' ').map(Number)
  const measured = hasGnuTime
    ? { cpuMs: (user + system) * 1000, peakRssBytes: kilobytes * 1024 }
    : { cpuMs: seenCpu, peakRssBytes: seenRss }
  return { wallMs, ...measured, stdout, stderr, status }
}
