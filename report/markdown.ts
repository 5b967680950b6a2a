// ReportData as Markdown: a pure function of it, readable as plain text, the same bytes for the same data.

import type { AgentScore, ReportData } from '../core/report.ts'
import { writeClasses } from './findings.ts'
import {
  cellLegend,
  costColumns,
  countOf,
  listIdentity,
  listMeanings,
  nameGroup,
  simulatedStrip,
  writeAgent,
  writeBounds,
  writeCell,
  writeCostRow,
  writeDenominator,
  writeInterval,
  writeTest,
  writeValue,
} from './words.ts'

export function renderMarkdown(data: ReportData): string {
  const sections = [
    `# Run ${escapeCell(data.identity.run)}`,
    data.simulated ? `> **${simulatedStrip}**` : '',
    data.warnings.map(warning => `- ⚠ ${escapeText(warning)}`).join('\n'),
    writeTable(
      ['', ''],
      listIdentity(data).map(([name, value]) => [name, value]),
    ),
    '## Scores',
    ...data.score.agents.map(writeAgentSection),
    '## Turns',
    writeGrid(data),
    cellLegend,
    ...writeCosts(data),
    ...writeFailures(data),
    '## Method',
    [...listMeanings(data), ...data.method].map(line => `- ${line}`).join('\n'),
  ]
  return `${sections.filter(section => section !== '').join('\n\n')}\n`
}

function writeAgentSection(agent: AgentScore): string {
  const rows = agent.metrics.map(metric => [
    metric.label,
    writeValue(metric),
    writeInterval(metric),
    writeDenominator(metric),
    writeBounds(metric),
    metric.score.kind === 'unscored' ? metric.score.reason : '',
  ])
  const head = ['metric', 'value', '95 % interval', 'of', '[all fail, all pass]', 'why unscored']
  return `### ${escapeText(writeAgent(agent))}: ${countOf(agent.tasks, 'task')}, ${countOf(agent.trials, 'trial')}\n\n${writeTable(head, rows)}`
}

function writeGrid(data: ReportData): string {
  const turns = Math.max(0, ...data.trials.map(trial => trial.cells.length))
  const head = ['trial', ...Array.from({ length: turns }, (_, index) => String(index + 1)), 'outcome']
  const rows = data.trials.map(trial => [
    trial.name,
    ...Array.from({ length: turns }, (_, index) => {
      const cell = trial.cells[index]
      return cell === undefined ? '' : writeCell(cell)
    }),
    trial.outcome === null ? 'not ended' : trial.outcome + (trial.reason === null ? '' : `: ${trial.reason}`),
  ])
  return writeTable(head, rows)
}

function writeCosts(data: ReportData): string[] {
  if (data.costs.total.calls === 0) return []
  const rows = [...data.costs.byAgent, ...data.costs.byModel, ...data.costs.byTurn].map(group =>
    writeCostRow(nameGroup(group), group.totals),
  )
  return ['## Tokens and cost', writeTable(['', ...costColumns], [...rows, writeCostRow('total', data.costs.total)])]
}

function writeFailures(data: ReportData): string[] {
  if (data.failures.length === 0) return []
  const rows = data.failures.map(failure => {
    const tests = failure.tests.map(writeTest)
    if (failure.testsOmitted > 0) tests.push(`and ${failure.testsOmitted} more`)
    return [
      failure.trial,
      String(failure.turn),
      failure.state,
      failure.attempt === null ? '' : String(failure.attempt),
      tests.join('; '),
    ]
  })
  const classes = data.failureClasses.length === 0 ? [] : [`${writeClasses(data.failureClasses)}.`]
  return ['## Failures', ...classes, writeTable(['trial', 'turn', 'state', 'attempt', 'failing tests'], rows)]
}

function writeTable(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const write = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`
  return [write(head), `|${head.map(() => '---|').join('')}`, ...rows.map(write)].join('\n')
}

function escapeCell(text: string): string {
  return escapeText(text).replaceAll('|', '\\|').replaceAll(/\r?\n/g, ' ')
}

/** Test names and messages come from agents and verifiers: no HTML of theirs may become live. */
function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
