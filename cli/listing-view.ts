// Prints a listing: as JSON, or as a table with the columns that tell its rows apart. Decodes first what was not decoded yet.

import type { Store } from '../store/_adapter.ts'
import type { CommandContext } from './commands/_command.ts'
import { decodeNew } from './derive.ts'
import type { ListingRow } from './listing.ts'
import { useStore } from './store-access.ts'
import { type Cell, drawTable } from './table.ts'

export async function printListing(
  context: CommandContext,
  list: (store: Store) => Promise<ListingRow[]>,
  columns: readonly string[],
): Promise<number> {
  const rows = await useStore(context, {}, async store => {
    await decodeNew(store, context, 'all')
    return list(store)
  })
  if (context.json) await context.output.writeJson(rows)
  else if (rows.length === 0) context.output.note(`nothing yet in ${context.config.store}`)
  else await context.output.write(drawRows(rows, columns, context))
  return 0
}

const sums = ['calls', 'input', 'cached', 'written', 'output', 'cost', 'started']

function drawRows(rows: readonly ListingRow[], columns: readonly string[], context: CommandContext): string {
  const cells = rows.map((row): Cell[] => [
    row.id,
    ...columns.map(column => showCell(row[column])),
    row.calls,
    row.tokens.input,
    row.tokens.cached_read,
    row.tokens.cached_write,
    row.tokens.output,
    showCost(row),
    row.started_at?.replace(/\.\d+Z$/, 'Z') ?? null,
  ])
  return drawTable(['id', ...columns.map(column => column.replaceAll('_', ' ')), ...sums], cells, context.output)
}

function showCell(value: unknown): Cell {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'number' ? value : String(value)
}

/** A sum with unpriced calls in it is only a lower bound, and says so. */
export function showCost(row: Pick<ListingRow, 'cost_usd' | 'cost_usd_at_least' | 'unpriced_calls'>): string {
  if (row.cost_usd !== null) return `$${row.cost_usd.toFixed(4)}`
  if (row.unpriced_calls === 0) return '–'
  return row.cost_usd_at_least > 0 ? `≥ $${row.cost_usd_at_least.toFixed(4)}` : 'unknown'
}
