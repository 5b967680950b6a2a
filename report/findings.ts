// What the runner noticed beside the verdicts, from a run's events: why attempts failed, hidden tests that reached a model, programs of the system
// that were replaced, rewards that contradict their tests, what held agents in.
// Counts and sentences for a report; changes no number.

import type { ReportData } from '../core/report.ts'
import type { Json, RunEvent } from '../core/types.ts'

/** The events this file reads. */
export const findingTypes = [
  'failure-classified',
  'leak-found',
  'tampering-found',
  'attempt-verified',
  'environment-opened',
] as const

export function countClasses(events: readonly RunEvent[]): ReportData['failureClasses'] {
  const counts = new Map<string, number>()
  for (const event of events) {
    const name = event.type === 'failure-classified' ? readText(event.data, 'primary') : null
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts]
    .map(([name, attempts]) => ({ name, attempts }))
    .sort((one, other) => other.attempts - one.attempts || (one.name < other.name ? -1 : 1))
}

export function warnOfFindings(events: readonly RunEvent[]): string[] {
  const warnings: string[] = []
  const leaks = events.filter(event => event.type === 'leak-found')
  const [certain, suspected] = [namesOf(leaks, 'canary'), namesOf(leaks, 'lines')]
  if (certain.length > 0)
    warnings.push(`hidden tests reached the model in ${certain.join(', ')}: what came after measures nothing (docs/integrity.md)`)
  if (suspected.length > 0)
    warnings.push(`several lines of hidden tests stand in requests of ${suspected.join(', ')}: look at them (docs/integrity.md)`)
  warnings.push(...warnOfTampering(events))
  const opened = events.filter(event => event.type === 'environment-opened')
  const open = opened.filter(event => readText(event.data, 'isolation') === 'none').length
  if (open > 0)
    warnings.push(`${open} of ${opened.length} trials ran without a sandbox: agents could see and reach what this user can`)
  return warnings
}

function warnOfTampering(events: readonly RunEvent[]): string[] {
  const warnings: string[] = []
  const tampered = events.filter(event => event.type === 'tampering-found')
  if (tampered.length > 0) {
    const paths = [...new Set(tampered.flatMap(event => readTexts(event.data, 'paths')))].slice(0, pathsShown)
    const what = `programs or start files of the system were replaced in ${listNames(tampered).join(', ')} (${paths.join(', ')})`
    warnings.push(`${what}: an upgrade, or a verdict that was forged (docs/integrity.md)`)
  }
  const flagged = events.filter(event => event.type === 'attempt-verified' && readTexts(event.data, 'flags').length > 0)
  if (flagged.length > 0) {
    const first = readTexts(flagged[0]?.data ?? null, 'flags')[0]
    warnings.push(`rewards and tests contradict each other in ${flagged.length} attempts, such as: ${first}`)
  }
  return warnings
}

const pathsShown = 3

function namesOf(events: readonly RunEvent[], kind: string): string[] {
  return listNames(events.filter(event => readText(event.data, 'kind') === kind))
}

function listNames(found: readonly RunEvent[]): string[] {
  return [...new Set(found.map(event => readText(event.data, 'name') ?? event.trialId ?? '?'))].sort()
}

function readText(data: Json, key: string): string | null {
  const value = data !== null && typeof data === 'object' && !Array.isArray(data) ? (data as { [key: string]: Json })[key] : null
  return typeof value === 'string' ? value : null
}

function readTexts(data: Json, key: string): string[] {
  const value = data !== null && typeof data === 'object' && !Array.isArray(data) ? (data as { [key: string]: Json })[key] : null
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}

export const writeClasses = (classes: ReportData['failureClasses']): string =>
  `failed attempts by cause: ${classes.map(({ name, attempts }) => `${name} ${attempts}`).join(', ')}`
