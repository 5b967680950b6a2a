// Two files of merged conversations (mini-vela's JSONL), from two converters or two versions: what they say differently, counted by kind with
// one example each. npx tsx scripts/compare-merged.ts FIRST SECOND [--all]. docs/mini-vela.md explains the kinds.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { JsonObject } from '../core/types.ts'
import { type Difference, listDifferences } from './merged-differences.ts'

export function readRows(file: string): JsonObject[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter(line => line.trim() !== '').map(line => JSON.parse(line) as JsonObject)
}

/** The most frequent first. */
export function describeDifferences(differences: readonly Difference[], all: boolean): string[] {
  const kinds = new Map<string, Difference[]>()
  for (const difference of differences) kinds.set(difference.kind, [...(kinds.get(difference.kind) ?? []), difference])
  const sorted = [...kinds].sort(([a, some], [b, others]) => others.length - some.length || (a < b ? -1 : 1))
  return sorted.flatMap(([kind, some]) => [
    `${String(some.length).padStart(6)}  ${kind}`,
    ...some
      .slice(0, all ? some.length : 1)
      .map(one => `        ${one.session}, ${one.place}: ${show(one.first)} | ${show(one.second)}`),
  ])
}

function show(value: Difference['first']): string {
  const text = value === undefined ? '–' : JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [first, second] = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
  if (first === undefined || second === undefined) {
    console.error('usage: npx tsx scripts/compare-merged.ts FIRST SECOND [--all]')
    process.exitCode = 2
  } else {
    const differences = listDifferences(readRows(first), readRows(second))
    console.log(`first: ${first}\nsecond: ${second}\n${differences.length} differences`)
    for (const line of describeDifferences(differences, process.argv.includes('--all'))) console.log(line)
  }
}
