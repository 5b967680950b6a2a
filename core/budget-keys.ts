// The configuration keys of budgets: four figures for each of three scopes, as rows of the table in config-keys.ts.
// What a budget does stands in proxy/budget.ts and docs/budgets.md.

import { trialCallsMax } from './limits.ts'

export const budgetScopes = ['trial', 'session', 'run'] as const
export type BudgetScope = (typeof budgetScopes)[number]

const scopeNames: Readonly<Record<BudgetScope, string>> = {
  trial: 'one trial',
  session: 'one stand-alone session',
  run: 'all trials of a run together',
}

interface Figure {
  readonly name: string
  readonly flag: string
  readonly kind: 'whole' | 'number'
  readonly meaning: string
}

const figures: readonly Figure[] = [
  { name: 'calls', flag: 'calls <n>', kind: 'whole', meaning: 'Model calls SCOPE may make' },
  { name: 'tokens', flag: 'tokens <n>', kind: 'whole', meaning: 'Tokens of all classes SCOPE may use, cached reads included' },
  { name: 'cost_usd', flag: 'cost-usd <usd>', kind: 'number', meaning: 'What SCOPE may cost at list prices, in US dollars' },
  { name: 'wall_ms', flag: 'wall-ms <ms>', kind: 'whole', meaning: 'Milliseconds in which SCOPE may start calls' },
]

export const budgetKeys = budgetScopes.flatMap(scope =>
  figures.map(figure => ({
    name: `budget.${scope}.${figure.name}`,
    flag: `--max-${scope}-${figure.flag}`,
    kind: figure.kind,
    minimum: 0,
    fallback: scope === 'trial' && figure.name === 'calls' ? trialCallsMax : null,
    meaning: `${figure.meaning.replace('SCOPE', scopeNames[scope])}; 0 = no limit.`,
  })),
)

/** Names of a scope's keys, for the commands that have them as flags. */
export function budgetKeyNames(...scopes: readonly BudgetScope[]): string[] {
  return scopes.flatMap(scope => figures.map(figure => `budget.${scope}.${figure.name}`))
}
