// Plain tables for the terminal: no lines, cells aligned, cut to the width of the screen when there is one.

import Table from 'cli-table3'
import pc from 'picocolors'
import { noBorders } from '../report/table-borders.ts'
import type { Output } from './commands/_command.ts'

export type Cell = string | number | null

/** Numbers stand to the right, null is a dash. */
export function drawTable(
  head: readonly string[],
  rows: ReadonlyArray<readonly Cell[]>,
  output: Pick<Output, 'useColour'>,
): string {
  const colours = pc.createColors(output.useColour)
  const table = new Table({
    head: head.map(word => colours.bold(word)),
    chars: { ...noBorders, middle: '  ' },
    colAligns: head.map((_, column) => (rows.some(row => typeof row[column] === 'number') ? 'right' : 'left')),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  for (const row of rows) table.push(row.map(cell => (cell === null ? '–' : String(cell))))
  const lines = table.toString().split('\n')
  return `${lines.map(line => line.trimEnd()).join('\n')}\n`
}
