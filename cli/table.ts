// Plain tables for the terminal: no lines, cells aligned, cut to the width of the screen when there is one.

import Table from 'cli-table3'
import pc from 'picocolors'
import type { Output } from './commands/_command.ts'

const noLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

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
    chars: noLines,
    colAligns: head.map((_, column) => (rows.some(row => typeof row[column] === 'number') ? 'right' : 'left')),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  for (const row of rows) table.push(row.map(cell => (cell === null ? '–' : String(cell))))
  const lines = table.toString().split('\n')
  return `${lines.map(line => line.trimEnd()).join('\n')}\n`
}
