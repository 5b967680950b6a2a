// The configuration keys of the toll: faults on purpose, metering, and budgets (four figures for each of three scopes), as rows of the
// table in config-keys.ts. What they do stands in proxy/toll.ts, docs/budgets.md and docs/faults.md.

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

export const tollKeys = [
  {
    name: 'proxy.inject',
    flag: '--inject <spec>',
    kind: 'spec',
    fallback: null,
    meaning: 'Faults on purpose, such as `429 rate=0.1; cut after=3 call=2`, or `@FILE`; docs/faults.md has the words.',
  },
  {
    name: 'proxy.meter',
    flag: '--meter',
    kind: 'flag',
    fallback: false,
    meaning: 'Count tokens and cost of every answer for the metrics; happens anyway in a run, and where a budget is set.',
  },
] as const

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
