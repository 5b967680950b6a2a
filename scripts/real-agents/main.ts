// Drives real agent command lines, two turns of one session each, through the proxy against the simulated provider.
// npx tsx scripts/real-agents/main.ts [--install DIR] [--only NAME,…] [--unnamed] [--json] [--table docs/agents.md] [--replay] [--keep] [--show]
// Agents are installed anywhere (--commands prints how); nothing of them is part of the project. What is not installed is skipped.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { realAgents } from './agents/_all.ts'
import { programOf } from './conversation.ts'
import { nameOf, type Recorded, record, type Subject } from './record.ts'
import { type Replayed, replay } from './replay.ts'

const { values } = parseArgs({
  options: {
    install: { type: 'string', default: '/opt/scratch' },
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

function print(subject: Subject, result: Recorded): void {
  const turns = result.seen.turns
  const files = turns.map(turn => turn.file ?? '-').join(', ')
  const exits = turns.map(turn => turn.exit).join(', ')
  const times = turns.map(turn => `${(turn.ms / 1000).toFixed(1)} s`).join(', ')
  const verdict =
    result.wrong.length === 0 ? 'sent = arrived = stored, all decoded with usage, verify clean' : result.wrong.join('; ')
  console.log(
    `${nameOf(subject).padEnd(22)} ${result.protocols.join(', ').padEnd(20)} exit ${exits}  ${times}  ${result.calls} calls  ${files}  ${verdict}`,
  )
  const beside = [...new Set(result.beside)]
  if (beside.length > 0) console.log(`  beside: ${beside.join('; ')}`)
  if (result.wanted.length > 0) console.log(`  wanted: ${result.wanted.join(', ')}`)
  if (result.upgrades.length > 0) console.log(`  upgrades: ${result.upgrades.join(', ')}`)
  if (result.ownSessions.length > 0)
    console.log(`  its own sessions: ${result.ownSessions.join(', ')}; recorded: ${result.sessions.join(', ')}`)
  if (values.show) for (const turn of turns) console.log(turn.output.slice(-3000))
}

function printReplay({ tally, wrong, seen }: Replayed): void {
  const rules = Object.entries(tally.matched).flatMap(([rule, count]) => (count > 0 ? [`${count} by ${rule}`] : []))
  const verdict = wrong.length === 0 ? 'same files, no call reached a provider' : wrong.join('; ')
  console.log(`  replayed: ${rules.join(', ')}${tally.missed > 0 ? `, ${tally.missed} missed` : ''}  ${verdict}`)
  if (values.show) for (const turn of seen.turns) console.log(turn.output.slice(-3000))
}

async function main(): Promise<void> {
  let good = true
  for (const subject of chooseSubjects()) {
    if (!existsSync(programOf(subject.agent, subject.installed))) {
      console.log(
        `${nameOf(subject).padEnd(22)} skipped: ${subject.agent.npm}@${subject.agent.version} is not installed in ${values.install}`,
      )
      continue
    }
    const directory = mkdtempSync(join(tmpdir(), 'turnpike-store-'))
    const result = await record(subject, directory)
    print(subject, result)
    good = good && result.wrong.length === 0
    if (values.replay && subject.named) {
      const again = await replay(subject, directory, result)
      printReplay(again)
      good = good && again.wrong.length === 0
    }
    if (!subject.keep) rmSync(directory, { recursive: true, force: true })
  }
  process.exit(good ? 0 : 1)
}

await main()
