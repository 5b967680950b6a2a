// Drives real agent command lines, two turns of one session each, through the proxy against the simulated provider.
// npx tsx scripts/real-agents/main.ts [--install DIR] [--only NAME,…] [--unnamed] [--json] [--table docs/agents.md] [--replay] [--keep] [--show]
// Agents are installed anywhere, a folder each (docs/real-agents.md has versions); nothing of them is part of the project. What is not
// installed is skipped. --unnamed leaves the session's name out of the path. --table keeps the results in results.jsonl and the document.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { realAgents } from './agents/_all.ts'
import { programOf } from './conversation.ts'
import { nameOf, type Recorded, record, type Subject } from './record.ts'
import { type Replayed, replay } from './replay.ts'
import { keepResults, type Result, summarize } from './table.ts'

const { values } = parseArgs({
  options: {
    install: { type: 'string', default: 'agents' },
    only: { type: 'string' },
    unnamed: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    table: { type: 'string' },
    keep: { type: 'boolean', default: false },
    replay: { type: 'boolean', default: false },
    show: { type: 'boolean', default: false },
    timeout: { type: 'string', default: '150' },
  },
})

function chooseSubjects(): Subject[] {
  const only = values.only?.split(',')
  const all = realAgents.flatMap(agent =>
    agent.variants.map(variant => ({
      agent,
      variant,
      installed: values.install,
      timeoutMs: Number(values.timeout) * 1000,
      keep: values.keep,
      named: !values.unnamed,
    })),
  )
  return all.filter(subject => only === undefined || only.includes(subject.agent.id) || only.includes(nameOf(subject)))
}

/** With --json the one document on standard output is the results. */
const say = (line: string): void => (values.json ? console.error(line) : console.log(line))

function print(subject: Subject, result: Recorded): void {
  const turns = result.seen.turns
  const files = turns.map(turn => turn.file ?? '-').join(', ')
  const exits = turns.map(turn => turn.exit).join(', ')
  const times = turns.map(turn => `${(turn.ms / 1000).toFixed(1)} s`).join(', ')
  const verdict =
    result.wrong.length === 0 ? 'sent = arrived = stored, all decoded with usage, verify clean' : result.wrong.join('; ')
  say(
    `${nameOf(subject).padEnd(22)} ${result.protocols.join(', ').padEnd(20)} exit ${exits}  ${times}  ${result.calls} calls  ${files}  ${verdict}`,
  )
  const beside = [...new Set(result.beside)]
  if (beside.length > 0) say(`  beside: ${beside.join('; ')}`)
  if (result.wanted.length > 0) say(`  wanted: ${result.wanted.join(', ')}`)
  if (result.upgrades.length > 0) say(`  upgrades: ${result.upgrades.join(', ')}`)
  if (result.ownSessions.length > 0)
    say(`  its own sessions: ${result.ownSessions.join(', ')}; recorded: ${result.sessions.join(', ')}`)
  if (values.show) for (const turn of turns) say(turn.output.slice(-3000))
}

function printReplay({ tally, wrong, seen, missedBeside }: Replayed): void {
  const rules = Object.entries(tally.matched).flatMap(([rule, count]) => (count > 0 ? [`${count} by ${rule}`] : []))
  const verdict = wrong.length === 0 ? 'same files, no call reached a provider' : wrong.join('; ')
  say(`  replayed: ${rules.join(', ')}  ${verdict}`)
  if (missedBeside.length > 0) say(`  not recorded: ${[...new Set(missedBeside)].join(', ')}`)
  if (values.show) for (const turn of seen.turns) say(turn.output.slice(-3000))
}

async function main(): Promise<void> {
  let good = true
  const results: Result[] = []
  for (const subject of chooseSubjects()) {
    if (!existsSync(programOf(subject.agent, subject.installed))) {
      say(
        `${nameOf(subject).padEnd(22)} skipped: ${subject.agent.npm}@${subject.agent.version} is not installed in ${values.install}`,
      )
      continue
    }
    const directory = mkdtempSync(join(tmpdir(), 'turnpike-store-'))
    const result = await record(subject, directory)
    print(subject, result)
    const again = values.replay && subject.named ? await replay(subject, directory, result) : null
    if (again !== null) printReplay(again)
    good = good && result.wrong.length === 0 && (again?.wrong.length ?? 0) === 0
    results.push(summarize(subject, result, again, new Date()))
    // After each, so that a run that is broken off keeps what it found.
    if (values.table !== undefined) keepResults(results, values.table)
    if (!subject.keep) rmSync(directory, { recursive: true, force: true })
  }
  if (values.json) console.log(JSON.stringify(results))
  process.exit(good ? 0 : 1)
}

await main()
