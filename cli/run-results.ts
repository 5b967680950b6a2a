// What comes after the agents: decode, convert, score and report of one run, its files below the store, and what is printed of it.

import { join } from 'node:path'
import { type ConversionSummary, listJobs } from '../convert/convert.ts'
import { planConversion } from '../convert/scope-conversion.ts'
import { everything } from '../convert/selection/select.ts'
import type { ReportData, ScoreReport } from '../core/report.ts'
import type { Run, Trial } from '../core/types.ts'
import { foldCosts, foldTotals } from '../judge/cost.ts'
import { readRun, scoreRun, writeScoreJson } from '../judge/score.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { readReport } from '../report/report.ts'
import { renderTerminal } from '../report/terminal.ts'
import type { RunResult } from '../runner/run.ts'
import type { Ref, Store } from '../store/_adapter.ts'
import type { CommandContext } from './commands/_command.ts'
import { createScoreOf, decodeNew, writeTrajectories } from './derive.ts'
import { writeResult } from './result-files.ts'
import { openRowFiles } from './row-files.ts'
import { drawSummary } from './run-summary.ts'
import { readScopes } from './scopes.ts'
import { writeTrialFiles } from './trial-files.ts'

export interface DerivedRun {
  readonly score: ScoreReport
  readonly report: ReportData
  readonly conversion: ConversionSummary
  readonly files: { readonly report: string; readonly trajectories: string }
}

/** The order matters: scores and reports fold calls, which decoding writes. */
export async function deriveRun(store: Store, run: Run, context: CommandContext): Promise<DerivedRun> {
  const directory = join(store.directory, 'runs', run.id)
  const files = { report: join(directory, 'report.md'), trajectories: join(directory, 'trajectories.jsonl') }
  const { scopes } = await readScopes(store, run.id)
  await decodeNew(store, context, scopes)
  const ref = { kind: 'run', id: run.id, name: run.name } as const
  const conversion = await writeRunTrajectories(store, ref, files.trajectories)
  await writeTrialFiles(store, run.id, directory)
  const report = await readRunReport(store, run.id)
  await writeResult(files.report, renderMarkdown(report))
  return { score: report.score, report, conversion, files }
}

async function writeRunTrajectories(store: Store, ref: Ref, file: string): Promise<ConversionSummary> {
  const jobs = await listJobs(store, [ref], createScoreOf(store))
  const plan = planConversion({ format: 'merged', policy: null, selection: everything, dedup: false })
  const rows = openRowFiles({ out: file, split: null, perScope: false, extension: '.jsonl' })
  try {
    const { summary } = await writeTrajectories(jobs, plan, { store, write: rows.write })
    await rows.commit()
    return summary()
  } catch (error) {
    await rows.abandon()
    throw error
  }
}

/** Scores, costs and everything else a report shows, from the store as it is. */
export async function readRunReport(store: Store, runId: string): Promise<ReportData> {
  const score = await scoreRun(store, runId)
  const { calls, trials } = await readRun(store, runId)
  return readReport(store, runId, {
    score,
    costs: {
      byAgent: foldCosts(calls, trials, ['agent', 'model']),
      byModel: foldCosts(calls, trials, ['model']),
      byTurn: foldCosts(calls, trials, ['turn']),
      total: foldTotals(calls),
    },
  })
}

export async function printRun(context: CommandContext, result: RunResult, derived: DerivedRun): Promise<void> {
  const { output } = context
  const { run, trials } = result
  if (context.json) {
    const { id, name, state, simulated } = run
    const score = writeScoreJson(derived.score)
    await output.writeJson({
      event: 'result',
      id,
      name,
      state,
      simulated,
      trials: trials.map(writeTrial),
      score,
      files: derived.files,
    })
    return
  }
  const whole = context.options['report'] === true
  const shown = whole
    ? renderTerminal(derived.report, { width: output.columns, color: output.useColour })
    : drawSummary(derived.report, output)
  await output.write(`\n${shown}\n${listPlaces(context, run, derived)}`)
  if (context.options['nextSteps'] === true) await output.write(`\n${nextSteps}`)
}

function writeTrial(trial: Trial): object {
  const { id, name, agent, model, outcome } = trial
  return { id, name, task: trial.taskId, agent, model, outcome: outcome?.kind ?? null, reason: outcome?.reason ?? null }
}

/** For commands that are told to a person: without it they would look into another store. Empty where that is the default. */
export function nameStore({ options, config }: Pick<CommandContext, 'options' | 'config'>): string {
  return options['store'] === undefined && options['config'] === undefined ? '' : ` --store ${config.store}`
}

function listPlaces(context: CommandContext, run: Run, { files, conversion }: DerivedRun): string {
  const option = nameStore(context)
  return [
    `store         ${context.config.store}`,
    `report        ${files.report}`,
    `trajectories  ${files.trajectories} (${conversion.generations_out} generations)`,
    `look closer   npx turnpike show ${run.name}${option}`,
    '',
  ].join('\n')
}

const nextSteps = `What to do next:
  See what an agent said:         npx turnpike trials latest, then npx turnpike show TRIAL
  Check every recorded byte:      npx turnpike verify
  The same tasks, a real model:   ANTHROPIC_API_KEY=… npx turnpike run --tasks configs/quickstart/tasks.jsonl --agent mini --model claude-sonnet-4-5
  Record your own agent:          npx turnpike proxy --upstream https://api.anthropic.com
                                  ANTHROPIC_BASE_URL=http://127.0.0.1:4000 your-agent
  Your own tasks:                 npx turnpike init my-benchmark
`
