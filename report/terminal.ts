// ReportData as text for a terminal: pure, fits the given width, and uses colour only when told to.
// Signs carry the meaning; colour only repeats it.

import Table from 'cli-table3'
import picocolors from 'picocolors'
import type { AgentScore, ReportData, ReportTrial } from '../core/report.ts'
import { writeClasses } from './findings.ts'
import { noBorders } from './table-borders.ts'
import {
  cellLegend,
  cleanText,
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

export interface TerminalOptions {
  readonly width: number
  readonly color: boolean
}

type Colors = ReturnType<typeof picocolors.createColors>

export function renderTerminal(data: ReportData, options: TerminalOptions): string {
  const colors = picocolors.createColors(options.color)
  const width = Math.max(40, options.width)
  const sections = [
    renderHead(data, colors, width),
    ...data.score.agents.map(agent => renderAgent(agent, colors, width)),
    renderGrid(data.trials, colors, width),
    renderCosts(data, colors, width),
    renderFailures(data, colors, width),
    [...listMeanings(data), ...data.method].flatMap(line => wrap(line, width).map(part => colors.dim(part))).join('\n'),
  ]
  return `${sections.filter(section => section !== '').join('\n\n')}\n`
}

function renderHead(data: ReportData, colors: Colors, width: number): string {
  const lines: string[] = []
  if (data.simulated) lines.push(...wrap(simulatedStrip, width).map(line => colors.yellow(colors.bold(line))))
  lines.push(...data.warnings.flatMap(warning => wrap(`! ${warning}`, width)).map(line => colors.yellow(line)))
  for (const [name, value] of listIdentity(data)) lines.push(...wrap(`${name.padEnd(9)} ${value}`, width, 10))
  return lines.join('\n')
}

/** Numbers that repeat another one when there is a single trial per task. */
const repeated = /^(pass_at_1|pass_hat_1)$/

function renderAgent(agent: AgentScore, colors: Colors, width: number): string {
  const shown = agent.metrics.filter(metric => !repeated.test(metric.name) && metric.label !== 'MT@1')
  const rows = shown.map(metric => [
    metric.label,
    writeValue(metric),
    writeInterval(metric),
    writeDenominator(metric),
    writeBounds(metric),
  ])
  const columns = rows.some(row => row[4] !== '') ? 5 : 4
  const head = ['', 'value', '95 % interval', 'of', 'all fail, all pass']
  const drawn = drawTable(
    head.slice(0, columns),
    rows.map(row => row.slice(0, columns)),
    { width, flexible: [3], right: [1] },
  )
  const reasons = shown.flatMap(metric =>
    metric.score.kind === 'unscored' ? wrap(`${metric.label}: ${metric.score.reason}`, width) : [],
  )
  const title = `${writeAgent(agent)}: ${countOf(agent.tasks, 'task')}, ${countOf(agent.trials, 'trial')}`
  return [colors.bold(title), drawn, ...reasons.map(line => colors.dim(line))].join('\n')
}

/** Turn x trial grid; wide runs are broken into bands of turns. */
function renderGrid(trials: readonly ReportTrial[], colors: Colors, width: number): string {
  if (trials.length === 0) return ''
  const nameWidth = Math.min(Math.floor(width / 2), Math.max(...trials.map(trial => trial.name.length), 5))
  const turns = Math.max(...trials.map(trial => trial.cells.length))
  const perBand = Math.max(1, Math.floor((width - nameWidth - 1) / 4))
  const lines = [colors.bold('turns')]
  for (let start = 0; start < turns; start += perBand) {
    const numbers = Array.from({ length: Math.min(perBand, turns - start) }, (_, index) => String(start + index + 1).padStart(4))
    lines.push(colors.dim(`${' '.repeat(nameWidth)} ${numbers.join('')}`))
    for (const trial of trials) {
      const cells = trial.cells
        .slice(start, start + perBand)
        .map(cell => paintCell(writeCell(cell).padStart(4), cell.state, colors))
      if (cells.length > 0) lines.push(`${cut(trial.name, nameWidth).padEnd(nameWidth)} ${cells.join('')}`)
    }
  }
  for (const trial of trials)
    if (trial.outcome !== 'finished')
      lines.push(
        ...wrap(
          `${trial.name}: ${trial.outcome ?? 'not ended'}${trial.reason === null ? '' : `, ${cleanText(trial.reason)}`}`,
          width,
        ),
      )
  return [...lines, ...wrap(cellLegend, width).map(line => colors.dim(line))].join('\n')
}

function paintCell(text: string, state: ReportTrial['cells'][number]['state'], colors: Colors): string {
  if (state === 'passed') return colors.green(text)
  if (state === 'failed' || state === 'agent-error') return colors.red(text)
  return state === 'infra-error' ? colors.yellow(text) : colors.dim(text)
}

function renderCosts(data: ReportData, colors: Colors, width: number): string {
  if (data.costs.total.calls === 0) return ''
  const rows = [
    ...data.costs.byAgent.map(group => writeCostRow(nameGroup(group), group.totals)),
    ...(data.costs.byModel.length > 1 ? data.costs.byModel.map(group => writeCostRow(nameGroup(group), group.totals)) : []),
    writeCostRow('total', data.costs.total),
  ]
  return [
    colors.bold('tokens and cost'),
    drawTable(['', ...costColumns], rows, { width, flexible: [6, 0], right: [1, 2, 3, 4, 5] }),
  ].join('\n')
}

function renderFailures(data: ReportData, colors: Colors, width: number): string {
  if (data.failures.length === 0) return ''
  const lines = [colors.bold('failures')]
  if (data.failureClasses.length > 0) lines.push(writeClasses(data.failureClasses))
  for (const failure of data.failures) {
    const attempt = failure.attempt === null ? '' : `, attempt ${failure.attempt}`
    lines.push(`${failure.trial}, turn ${failure.turn}${attempt}: ${failure.state}`)
    for (const test of failure.tests) {
      lines.push(`  ${cut(`✗ ${writeTest(test)}`, width - 2)}`)
    }
    if (failure.testsOmitted > 0) lines.push(`  and ${failure.testsOmitted} more`)
  }
  return lines.join('\n')
}

interface DrawOptions {
  readonly width: number
  /** The columns that give way when the table is too wide, in this order. */
  readonly flexible: readonly number[]
  readonly right: readonly number[]
}

/** Narrower than this, words break. */
const columnMin = 12

/** A table without vertical lines, so that copying it gives clean text. */
function drawTable(head: readonly string[], rows: ReadonlyArray<readonly string[]>, options: DrawOptions): string {
  const longestWord = (text: string): number => Math.max(...text.split(' ').map(word => word.length))
  const colWidths = head.map((title, column) => Math.max(longestWord(title), ...rows.map(row => row[column]?.length ?? 0)) + 2)
  for (const column of options.flexible) {
    const total = colWidths.reduce((sum, size) => sum + size, 0)
    const size = colWidths[column] ?? 0
    colWidths[column] = Math.max(Math.min(size, columnMin), size - Math.max(0, total - options.width))
  }
  const table = new Table({
    head: [...head],
    colWidths,
    wordWrap: true,
    colAligns: head.map((_, column) => (options.right.includes(column) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
    chars: noBorders,
  })
  for (const row of rows) table.push([...row])
  return table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}

function wrap(text: string, width: number, indent = 2): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ' '.repeat(indent) + word
    } else line = line === '' && lines.length === 0 && word !== '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
