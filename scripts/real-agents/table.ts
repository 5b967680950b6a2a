// The table of results in docs/agents.md. Results are kept in results.jsonl beside this file, one per agent and variant, so that a run
// over some agents leaves the rows of the others as they were, with their own date.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Drive } from './agents/_agent.ts'
import { realAgents } from './agents/_all.ts'
import { versionOf } from './conversation.ts'
import { nameOf, type Recorded, type Subject } from './record.ts'
import type { Replayed } from './replay.ts'

export interface Result {
  readonly name: string
  readonly version: string
  readonly protocol: string
  readonly drive: Drive['kind']
  readonly turns: number
  readonly calls: number
  /** Whether its calls carry one session id in a header, so that sessions are told apart without a name in the path. */
  readonly namesItsSession: boolean
  /** Empty: everything held. */
  readonly recordingWrong: readonly string[]
  /** Null: not tried. */
  readonly replayWrong: readonly string[] | null
  /** How many answers were found by which rule. */
  readonly matched: Readonly<Record<string, number>>
  /** Requests beside the model's that nothing recorded answers. */
  readonly missedBeside: number
  /** Day of the run, UTC. */
  readonly date: string
}

const resultsFile = join(import.meta.dirname, 'results.jsonl')
const begin = '<!-- real agents: begin (written by scripts/real-agents/main.ts --table) -->'
const end = '<!-- real agents: end -->'

export function summarize(subject: Subject, recorded: Recorded, replayed: Replayed | null, now: Date): Result {
  return {
    name: nameOf(subject),
    version: versionOf(subject.agent, subject.installed),
    protocol: `${recorded.protocols.join(', ')}${recorded.upgrades.includes(101) ? ' (WebSocket)' : ''}`,
    drive: subject.variant.drive.kind,
    turns: recorded.seen.turns.length,
    calls: recorded.calls,
    namesItsSession: recorded.ownSessions.length === 1,
    recordingWrong: recorded.wrong,
    replayWrong: replayed?.wrong ?? null,
    matched: Object.fromEntries(Object.entries(replayed?.tally.matched ?? {}).filter(([, count]) => count > 0)),
    missedBeside: replayed?.missedBeside.length ?? 0,
    date: now.toISOString().slice(0, 10),
  }
}

export function readResults(): readonly Result[] {
  if (!existsSync(resultsFile)) return []
  const lines = readFileSync(resultsFile, 'utf8').split('\n').filter(Boolean)
  return lines.map(line => JSON.parse(line) as Result)
}

/** Keeps the results in the order of the agents and rewrites the table of the document. */
export function keepResults(fresh: readonly Result[], document: string): void {
  const order = realAgents.flatMap(agent => agent.variants.map(variant => nameOf({ agent, variant })))
  const merged = new Map([...readResults(), ...fresh].map(result => [result.name, result]))
  const results = order.flatMap(name => merged.get(name) ?? [])
  writeFileSync(resultsFile, results.map(result => `${JSON.stringify(result)}\n`).join(''))
  writeFileSync(document, placeTable(readFileSync(document, 'utf8'), writeTable(results)))
}

export function placeTable(document: string, table: string): string {
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) throw new Error(`the document lacks the lines "${begin}" and "${end}"`)
  return `${document.slice(0, from)}${begin}\n\n${table}\n\n${document.slice(to)}`
}

export function writeTable(results: readonly Result[]): string {
  const head = [
    '| agent | version | protocol | driven by | turns, calls | names its session | recording | replay | date |',
    '|---|---|---|---|---|---|---|---|---|',
  ]
  return [...head, ...results.map(writeRow)].join('\n')
}

const drives = { process: 'a process a turn', acp: 'ACP', lines: 'lines of JSON' } as const

function writeRow(result: Result): string {
  const replay = result.replayWrong === null ? 'not tried' : writeVerdict(result.replayWrong, 'same files')
  const cells = [
    `\`${result.name}\``,
    result.version,
    result.protocol,
    drives[result.drive],
    `${result.turns}, ${result.calls}`,
    result.namesItsSession ? 'yes' : 'no',
    writeVerdict(result.recordingWrong, 'exact'),
    `${replay}${result.missedBeside === 0 ? '' : `; other requests unanswered: ${result.missedBeside}`}`,
    result.date,
  ]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const writeVerdict = (wrong: readonly string[], good: string): string =>
  wrong.length === 0 ? good : `**${wrong.length} wrong**: ${wrong[0]?.slice(0, 160)}`
