// The head of a run's report, as `turnpike run` prints it: one line per agent. The whole report is in its file.

import { formatCost } from '../core/money.ts'
import type { AgentScore, Metric, ReportData } from '../core/report.ts'
import { countOf, writeInterval, writeValue } from '../report/words.ts'
import type { Output } from './commands/_command.ts'
import { type Cell, drawTable } from './table.ts'

const head = ['agent', 'model', 'turns passed', 'mean turn pass', '95 % interval', 'perfect tasks', 'calls', 'tokens', 'cost']

export function drawSummary(report: ReportData, output: Pick<Output, 'useColour'>): string {
  const { score, simulated, warnings } = report
  const lines = [
    ...(simulated ? ['SIMULATED: a scripted model answered, no real one. These numbers say nothing about any model.'] : []),
    ...warnings.map(warning => `! ${warning}`),
  ]
  const table = drawTable(head, score.agents.map(drawAgent), output)
  return `${lines.length === 0 ? '' : `${lines.join('\n')}\n\n`}${table}`
}

function drawAgent(agent: AgentScore): Cell[] {
  const mean = findMetric(agent, 'mean_turn_pass')
  const perfect = findMetric(agent, 'perfect_tasks')
  const { input, cachedRead, cachedWrite, output } = agent.cost.tokens
  const planned = Object.values(agent.cells).reduce((sum, count) => sum + count, 0)
  return [
    agent.agent,
    agent.model,
    `${agent.cells.passed} of ${planned}`,
    mean === null ? null : writeValue(mean),
    mean === null ? null : writeInterval(mean) || null,
    perfect === null ? null : `${writeValue(perfect)} of ${countOf(agent.tasks, 'task')}`,
    agent.cost.calls,
    input + cachedRead + cachedWrite + output,
    formatCost(agent.cost),
  ]
}

function findMetric(agent: AgentScore, name: string): Metric | null {
  return agent.metrics.find(metric => metric.name === name) ?? null
}
