// What a report shows: store rows of one run plus its scores and costs -> ReportData, plain JSON that every view is drawn from.
// Computes no score itself and never hides an incomplete number: what is missing becomes a warning at the top.

import { currentTrials, sortTrials } from '../core/cells.ts'
import { TurnpikeError } from '../core/errors.ts'
import type { ReportData, ReportFailure, ReportTrial, ScoreReport } from '../core/report.ts'
import type { AttemptRecord, Call, Json, Run, RunEvent, TestResult, Trial } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { countClasses, findingTypes, warnOfFindings } from './findings.ts'

export interface ReportInputs {
  readonly score: ScoreReport
  readonly costs: ReportData['costs']
}

export interface ReportRows {
  readonly run: Run
  readonly trials: readonly Trial[]
  readonly attempts: readonly AttemptRecord[]
  readonly tests: readonly TestResult[]
  readonly calls: readonly Call[]
  /** What the runner noticed; absent = nothing. */
  readonly events?: readonly RunEvent[]
}

/** Failing tests listed per turn; the rest is counted. */
const testsListedMax = 5
/** Characters of a failing test's message that are shown. */
const messageCharsMax = 200

export async function readReport(store: Store, runId: string, inputs: ReportInputs): Promise<ReportData> {
  const [run] = await store.list('runs', { id: runId })
  if (run === undefined) throw new TurnpikeError('E_REF_UNKNOWN', `no run ${runId} in the store`)
  const trials = await store.list('trials', { runId })
  const attempts: AttemptRecord[] = []
  const tests: TestResult[] = []
  const calls: Call[] = []
  for (const trial of trials) {
    attempts.push(...(await store.list('attempts', { trialId: trial.id })))
    tests.push(...(await store.list('tests', { trialId: trial.id })))
    calls.push(...(await store.list('calls', { scopeId: trial.id })))
  }
  const found = await Promise.all(findingTypes.map(type => store.list('events', { runId, type })))
  const current = new Set(currentTrials(trials).map(trial => trial.id))
  const events = found.flat().filter(event => event.trialId !== null && current.has(event.trialId))
  return buildReport({ run, trials, attempts, tests, calls, events }, inputs)
}

export function buildReport(rows: ReportRows, inputs: ReportInputs): ReportData {
  const { run } = rows
  const trials = sortTrials(currentTrials(rows.trials))
  const shown = trials.map(trial => showTrial(trial, inputs.score))
  return {
    schema: 1,
    identity: {
      run: run.name,
      id: run.id,
      state: run.state,
      startedAt: run.startedAt,
      endedAt: run.endedAt,
      turnpikeVersion: run.turnpikeVersion,
      agents: listAgents(rows, inputs.score),
      policy: readPolicy(run.config),
      priceVersions: inputs.costs.total.priceVersions,
    },
    simulated: run.simulated,
    warnings: listWarnings(rows, inputs),
    score: inputs.score,
    trials: shown,
    costs: inputs.costs,
    failures: shown.flatMap(trial => listFailures(trial, rows)),
    failureClasses: countClasses(rows.events ?? []),
    method: describeMethod(inputs.score),
  }
}

function showTrial(trial: Trial, score: ScoreReport): ReportTrial {
  return {
    id: trial.id,
    name: trial.name,
    task: trial.taskId,
    agent: trial.agent,
    model: trial.model,
    index: trial.index,
    outcome: trial.outcome?.kind ?? null,
    reason: trial.outcome?.reason ?? null,
    cells: score.trials.find(scored => scored.trialId === trial.id)?.cells ?? [],
  }
}

function lastAttempt(attempts: readonly AttemptRecord[], trialId: string, turn: number): AttemptRecord | undefined {
  let last: AttemptRecord | undefined
  for (const attempt of attempts)
    if (attempt.trialId === trialId && attempt.turn === turn && (last === undefined || attempt.attempt > last.attempt))
      last = attempt
  return last
}

function listFailures(trial: ReportTrial, rows: ReportRows): ReportFailure[] {
  return trial.cells
    .filter(cell => cell.state === 'failed' || cell.state === 'agent-error' || cell.state === 'infra-error')
    .map(cell => {
      const attempt = lastAttempt(rows.attempts, trial.id, cell.turn)?.attempt ?? null
      const failing = rows.tests.filter(
        test =>
          test.trialId === trial.id &&
          test.turn === cell.turn &&
          test.attempt === attempt &&
          (test.status === 'failed' || test.status === 'error'),
      )
      return {
        trial: trial.name,
        turn: cell.turn,
        state: cell.state,
        attempt,
        tests: failing
          .slice(0, testsListedMax)
          .map(({ name, status, message }) => ({ name, status, message: message.slice(0, messageCharsMax) })),
        testsOmitted: Math.max(0, failing.length - testsListedMax),
      }
    })
}

function listAgents(rows: ReportRows, score: ScoreReport): ReportData['identity']['agents'] {
  return score.agents.map(({ agent, model }) => {
    const ids = new Set(rows.trials.filter(trial => trial.agent === agent && trial.model === model).map(trial => trial.id))
    const answered = new Set(rows.calls.filter(call => ids.has(call.scopeId)).map(call => call.modelAnswered))
    return { agent, model, modelsAnswered: [...answered].filter(name => name !== null).sort(compareText) }
  })
}

/** The settings under which numbers may be compared; scalars of the resolved configuration only. */
function readPolicy(config: Json): Record<string, string> {
  if (config === null || typeof config !== 'object' || Array.isArray(config)) return {}
  const wanted =
    /^(trials|attempts|feedback|on_?failure|fresh_?session|from_?turn|to_?turn|env|environment|concurrency|harbor_?compat|seed|script|preset|replay|inject|budget\.\w+\.\w+)$/i
  return Object.fromEntries(
    Object.entries(config)
      .filter(([key, value]) => wanted.test(key) && value !== null && typeof value !== 'object')
      // Said where it changes what is measured.
      .filter(([key, value]) => value !== false || !/^harbor_?compat$/i.test(key))
      .map(([key, value]) => [key, String(value)]),
  )
}

function listWarnings(rows: ReportRows, { score, costs }: ReportInputs): string[] {
  const { cells } = score
  const warnings: string[] = []
  const planned = Math.max(
    score.plannedTurns,
    Object.values(cells).reduce((sum, count) => sum + count, 0),
  )
  const left = cells['infra-error'] + cells.missing + cells.skipped + score.unassignedTurns
  if (rows.run.state !== 'finished') warnings.push(`the run is ${rows.run.state}: numbers may still change`)
  const { inject } = readPolicy(rows.run.config)
  if (inject !== undefined) warnings.push(`faults were injected on purpose (${inject}): what agents did, they did under these`)
  warnings.push(...warnOfFindings(rows.events ?? []))
  if (left > 0)
    warnings.push(
      `${left} of ${planned} planned turns are not scored (${cells['infra-error']} infrastructure, ${cells.missing + score.unassignedTurns} missing, ${cells.skipped} skipped); bounds show what they could change`,
    )
  if (costs.total.unpricedCalls > 0)
    warnings.push(
      `${costs.total.unpricedCalls} of ${costs.total.calls} calls have no price (${costs.total.unpricedModels.join(', ')}): costs are lower bounds`,
    )
  if (costs.total.tokens.unknown > 0)
    warnings.push(`${costs.total.tokens.unknown} calls have no token figures from their provider: token sums are lower bounds`)
  if (costs.total.priceVersions.length > 1)
    warnings.push(
      `costs come from ${costs.total.priceVersions.length} price tables; run turnpike decode to price all calls with one`,
    )
  for (const agent of listAgents(rows, score))
    if (agent.modelsAnswered.length > 1)
      warnings.push(`${agent.agent}: several models answered (${agent.modelsAnswered.join(', ')})`)
  const tasks = Math.max(0, ...score.agents.map(agent => agent.tasks))
  if (tasks < 10)
    warnings.push(
      `${tasks === 1 ? 'one task' : `only ${tasks} tasks`}: intervals are wide or absent, and a difference between agents may be chance`,
    )
  for (const agent of score.agents)
    if (agent.trials === agent.tasks && agent.tasks > 0)
      warnings.push(`${agent.agent}: one trial per task; repeated trials of one agent can differ by several points`)
  return warnings
}

function describeMethod(score: ScoreReport): string[] {
  return [
    'Infrastructure errors, missing and skipped turns are left out and shown as bounds [all fail, all pass]; they are never zeros.',
    `Intervals are 95 % with the task as unit: Wilson for all-or-nothing values, else a bootstrap over tasks (seed ${score.bootstrap.seed}, ${score.bootstrap.draws} draws), Student t below 10 tasks; none where there is one task or no spread.`,
    'Cost is a fold of recorded usage over a versioned table of list prices; a call without a known price makes the total a lower bound.',
    'docs/metrics.md and docs/costs.md have every formula.',
  ]
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
