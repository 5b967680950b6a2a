// How the converters' benchmark is printed: one line per session and way, the rival beside it as ratios; and where our time goes.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Flags } from './convert-output.ts'
import { type SessionShape, sessionName, writeLog, writeStore } from './convert-sessions.ts'
import { runMeasured } from './measured-process.ts'
import { median } from './statistics.ts'

export interface Result extends SessionShape, Flags {
  readonly way: 'file' | 'store' | 'rival'
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakRssBytes: number
  readonly outputBytes: number
  readonly runs: number
  readonly logBytes?: number
}

type Say = (text: string) => void

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)
const megabytes = (bytes: number): string => String(Math.round(bytes / 1e6))
const names = { file: 'Turnpike, from the log', store: 'Turnpike, from a store', rival: 'mini-vela' } as const

/** As it stands in docs/convert.md. */
export function printTable(results: readonly Result[], say: Say): void {
  say(
    '\n| session | log MB | converter | wall s | CPU s | peak MB | rows | generations (different) | mini-vela : this, wall | CPU | memory |',
  )
  say(`|${'---|'.repeat(11)}`)
  for (const result of results) {
    const { kind, calls, way, wallMs, cpuMs, peakRssBytes, rows, generations, answers, logBytes = 0 } = result
    const rival = results.find(other => other.way === 'rival' && other.kind === kind && other.calls === calls)
    const ratios =
      rival === undefined || way === 'rival'
        ? ['', '', '']
        : [rival.wallMs / wallMs, rival.cpuMs / cpuMs, rival.peakRssBytes / peakRssBytes].map(ratio => `${ratio.toFixed(1)} ×`)
    const counted = [rows, `${generations} (${answers})`, ...ratios]
    const cells = [
      `${kind}, ${calls} calls`,
      (logBytes / 1e6).toFixed(1),
      names[way],
      seconds(wallMs),
      seconds(cpuMs),
      megabytes(peakRssBytes),
    ]
    say(`| ${[...cells, ...counted].join(' | ')} |`)
  }
}

export function printGrowth(
  growth: { exponent: number; cpuExponent: number; base: Result; results: readonly Result[] },
  say: Say,
): void {
  say(
    `\nfrom a store, messages of ${growth.base.messageBytes} bytes; one call: ${seconds(growth.base.wallMs)} s (${seconds(growth.base.cpuMs)} s of CPU)`,
  )
  say('| calls | wall s | CPU s | peak MB |')
  say('|---|---|---|---|')
  for (const { calls, wallMs, peakRssBytes } of growth.results)
    say(`| ${calls} | ${seconds(wallMs)} | ${megabytes(peakRssBytes)} |`)
  say(
    `growth exponent over new content, beyond the time of one call: ${growth.exponent.toFixed(2)} (of CPU time ${growth.cpuExponent.toFixed(2)})`,
  )
}

interface PhaseInput {
  readonly folder: string
  readonly log: string
  readonly store: string
}

/** A session of 400 calls; whole processes as medians of five, stages once, milliseconds. */
export async function printPhases(input: PhaseInput, messageBytes: number, say: Say): Promise<Readonly<Record<string, number>>> {
  const shape = { kind: 'plain', calls: 400, messageBytes } as const
  writeLog(input.log, shape)
  await writeStore(input.store, shape)
  const out = join(input.folder, 'phases.jsonl')
  const root = fileURLToPath(new URL('..', import.meta.url))
  const time = async (args: readonly string[]): Promise<number> => {
    const walls: number[] = []
    for (let run = 0; run < 5; run++) walls.push((await runMeasured(process.execPath, args, { cwd: root })).wallMs)
    return Math.round(median(walls))
  }
  const convert = (what: string): string[] => [
    'cli/turnpike.mjs',
    'convert',
    what,
    '--out',
    out,
    '--json',
    '--store',
    input.store,
  ]
  const phases: Record<string, number> = {
    'node alone': await time(['-e', '0']),
    'turnpike convert --help': await time(['cli/turnpike.mjs', 'convert', '--help']),
    'convert a log': await time(convert(input.log)),
    'convert a store': await time(convert(sessionName)),
  }
  const inside = fileURLToPath(new URL('convert-phases.ts', import.meta.url))
  const { stdout, stderr, status } = await runMeasured(process.execPath, ['--import', 'tsx', inside, input.store], { cwd: root })
  if (status !== 0) throw new Error(stderr)
  for (const [phase, milliseconds] of Object.entries(JSON.parse(stdout) as Record<string, number>))
    phases[`from a store: ${phase}`] = milliseconds
  say('')
  for (const [phase, milliseconds] of Object.entries(phases)) say(`${phase.padEnd(32)}${milliseconds} ms`)
  return phases
}
