// Budgets: how much a trial, a session or a run may spend. A call is admitted while nothing is spent; what was admitted runs to its end,
// so that a sum can pass its budget by what the calls in flight used. Calls themselves are counted when they are admitted, exactly.

import { type BudgetScope, budgetScopes } from '../core/budget-keys.ts'
import type { BudgetChoice } from '../core/config.ts'
import { type ErrorCode, TurnpikeError } from '../core/errors.ts'
import type { EpochMs } from '../core/types.ts'
import { findRoute } from '../protocols/_all.ts'
import type { Account, Accounts, Purse } from './budget-accounts.ts'
import { sumTokens } from './budget-tally.ts'
import type { AdmissionRequest } from './gate.ts'

export type Budgets = Readonly<Record<BudgetScope, BudgetChoice>>

export interface BudgetGate {
  /** Why the call may not be made; null when it may, and is counted. */
  readonly admit: (asked: AdmissionRequest) => Promise<TurnpikeError | null>
  /** Why no further trial of the run should be started; null while there is something left. */
  readonly spentRun: (runId: string) => Promise<TurnpikeError | null>
}

export const noBudgets: Budgets = makeBudgets()

function makeBudgets(): Budgets {
  const none: BudgetChoice = { calls: null, tokens: null, costUsd: null, wallMs: null }
  return { trial: none, session: none, run: none }
}

/** Whether any answer has to be read to hold these budgets. */
export function areLimited(budgets: Budgets): boolean {
  return budgetScopes.some(scope => Object.values(budgets[scope]).some(limit => limit !== null))
}

export function createBudgetGate(budgets: Budgets, accounts: Accounts, now: () => EpochMs): BudgetGate {
  const admit = async (asked: AdmissionRequest): Promise<TurnpikeError | null> => {
    if (findRoute(asked.method, asked.path)?.purpose !== 'generate') return null
    const account = await accounts.open(asked.resolved.scope)
    const at = now()
    for (const purse of [account, account.run]) purse?.clock.start(at)
    const spent = findSpentOf(budgets, account, at)
    if (spent !== null) return spent
    for (const purse of [account, account.run]) if (purse) purse.tally.calls += 1
    return null
  }
  const spentRun = async (runId: string): Promise<TurnpikeError | null> =>
    findSpent('run', budgets.run, await accounts.openRun(runId), now())
  return { admit, spentRun }
}

function findSpentOf(budgets: Budgets, account: Account, at: EpochMs): TurnpikeError | null {
  const { kind } = account.scope
  const own = findSpent(kind, budgets[kind], account, at)
  return own ?? (account.run === null ? null : findSpent('run', budgets.run, account.run, at))
}

function findSpent(kind: BudgetScope, budget: BudgetChoice, purse: Purse, at: EpochMs): TurnpikeError | null {
  const { tally, clock } = purse
  const refuse = (code: ErrorCode, figure: string, what: string): TurnpikeError =>
    new TurnpikeError(code, `budget.${kind}.${figure} of ${kind} ${purse.name}: ${what}`, {
      hint: 'stop here; whoever runs this can raise the budget',
    })
  if (budget.calls !== null && tally.calls >= budget.calls)
    return refuse('E_BUDGET_CALLS', 'calls', `${tally.calls} of ${budget.calls} model calls are made`)
  const tokens = sumTokens(tally)
  if (budget.tokens !== null && tokens >= budget.tokens)
    return refuse('E_BUDGET_TOKENS', 'tokens', `${tokens} of ${budget.tokens} tokens are used`)
  if (budget.tokens !== null && tally.uncountedCalls > 0)
    return refuse('E_BUDGET_TOKENS', 'tokens', `it cannot be held: ${tally.uncountedCalls} answer(s) came without token counts`)
  if (budget.costUsd !== null && tally.nanoUsd >= budget.costUsd * 1e9)
    return refuse('E_BUDGET_COST', 'cost_usd', `$${(tally.nanoUsd / 1e9).toFixed(4)} of $${budget.costUsd} are spent`)
  if (budget.costUsd !== null && tally.unpricedModels.size > 0)
    return refuse('E_BUDGET_COST', 'cost_usd', `it cannot be held: no price is known for ${[...tally.unpricedModels].join(', ')}`)
  const workedMs = Math.round(clock.workedMs(at))
  if (budget.wallMs !== null && workedMs >= budget.wallMs)
    return refuse('E_BUDGET_TIME', 'wall_ms', `${workedMs} of ${budget.wallMs} ms have passed`)
  return null
}
