// Reads test results from JSON: CTRF (`results.tests`), `{"tests": […]}` or a bare list of `{name, status|passed, message}`.
// Pure and total: a case without a readable status is an error, never a pass.

import type { CaseResult } from './case-result.ts'

/** The cases of a JSON report, or null when the text is none. */
export function readJsonReport(text: string): CaseResult[] | null {
  if (!/^\s*[[{]/.test(text)) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return [{ name: 'report', status: 'error', message: 'the JSON report is cut off or no valid JSON' }]
  }
  const tests = findTests(value)
  if (tests === null) return [{ name: 'report', status: 'error', message: 'the JSON report has no list of tests' }]
  return tests.map(readCase)
}

function findTests(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value
  const results = field(value, 'results')
  const tests = field(results, 'tests') ?? field(value, 'tests')
  return Array.isArray(tests) ? tests : null
}

function readCase(value: unknown): CaseResult {
  const name = field(value, 'name')
  const message = field(value, 'message')
  return {
    name: typeof name === 'string' && name !== '' ? name : 'unnamed',
    status: readStatus(value),
    message: typeof message === 'string' ? message : '',
  }
}

function readStatus(value: unknown): CaseResult['status'] {
  const passed = field(value, 'passed')
  if (typeof passed === 'boolean') return passed ? 'passed' : 'failed'
  const status = field(value, 'status')
  if (status === 'passed' || status === 'failed' || status === 'skipped') return status
  // CTRF's words for a case that did not run.
  if (status === 'pending') return 'skipped'
  return 'error'
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}
