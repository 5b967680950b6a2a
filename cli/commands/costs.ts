// `turnpike costs`: what calls used and cost, grouped as asked. Sums with unpriced calls in them are lower bounds and say so.

import { TurnpikeError } from '../../core/errors.ts'
import { formatCost, readUsd } from '../../core/money.ts'
import type { CostGroup, CostTotals } from '../../core/report.ts'
import { didYouMean } from '../../core/suggest.ts'
import { type CostKey, costKeys, foldCosts, foldTotals } from '../../judge/cost.ts'
import { decodeNew } from '../derive.ts'
import { readScopes } from '../scopes.ts'
import { useStore } from '../store-access.ts'
import { drawTable } from '../table.ts'
import type { CommandSpec, Output } from './_command.ts'

export const costsCommand: CommandSpec = {
  usage: 'costs <ref>',
  group: 'Derive',
  summary: 'Tokens and cost of a run, trial or session',
  keys: ['prices'],
  options: [{ flags: '--by <keys>', meaning: `Group by these, separated by commas: ${costKeys.join(', ')} (default model).` }],
  examples: ['turnpike costs latest --by agent,model', 'turnpike costs my-session --by turn --json'],
  run: context =>
    useStore(context, {}, async store => {
      const by = readKeys(context.options['by'])
      const { ref, scopes } = await readScopes(store, context.arguments[0] ?? '')
      await decodeNew(store, context, scopes)
      const calls = (await Promise.all(scopes.map(scope => store.list('calls', { scopeId: scope.id })))).flat()
      const groups = foldCosts(
        calls,
        scopes.flatMap(scope => scope.trial ?? []),
        by,
      )
      const total = foldTotals(calls)
      if (context.json)
        await context.output.writeJson({
          id: ref.id,
          kind: ref.kind,
          by,
          groups: groups.map(writeGroup),
          total: writeTotals(total),
        })
      else await context.output.write(drawCosts(groups, total, by, context.output))
      return 0
    }),
}

function readKeys(value: unknown): CostKey[] {
  const words = typeof value === 'string' ? value.split(',').map(word => word.trim()) : ['model']
  return words.map(word => {
    const key = costKeys.find(candidate => candidate === word)
    if (key === undefined)
      throw new TurnpikeError('E_USAGE', `--by does not know "${word}"${didYouMean(word, costKeys)}`, {
        hint: `group by ${costKeys.join(', ')}`,
      })
    return key
  })
}

function writeGroup(group: CostGroup): object {
  return { ...group.key, ...writeTotals(group.totals) }
}

function writeTotals(totals: CostTotals): object {
  const { tokens } = totals
  return {
    calls: totals.calls,
    failed_calls: totals.failedCalls,
    tokens: { input: tokens.input, cached_read: tokens.cachedRead, cached_write: tokens.cachedWrite, output: tokens.output },
    reasoning_tokens: tokens.reasoning,
    tokens_unknown_calls: tokens.unknown,
    cost_usd: readUsd(totals),
    cost_usd_at_least: totals.nanoUsd / 1e9,
    unpriced_calls: totals.unpricedCalls,
    unpriced_models: totals.unpricedModels,
    price_versions: totals.priceVersions,
  }
}

function drawCosts(groups: readonly CostGroup[], total: CostTotals, by: readonly CostKey[], output: Output): string {
  const row = (totals: CostTotals): Array<string | number> => {
    const { input, cachedRead, cachedWrite, output: written } = totals.tokens
    return [totals.calls, input, cachedRead, cachedWrite, written, formatCost(totals)]
  }
  const rows = groups.map(group => [...by.map(key => group.key[key] ?? null), ...row(group.totals)])
  const sum = [...by.map((_, column) => (column === 0 ? 'total' : '')), ...row(total)]
  return drawTable([...by, 'calls', 'input', 'cached read', 'cached write', 'output', 'cost'], [...rows, sum], output)
}
