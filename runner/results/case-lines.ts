// Reads test cases from lines that a test script prints: `CASE_RESULT case_id=… status=success …` and one `CASE_SUMMARY …`, values
// quoted as in a shell. Pure and total: a case without a readable status is an error, never a pass.

import type { CaseResult } from './case-result.ts'

export interface CaseSummary {
  readonly total: number
  readonly passed: number
}

export interface CaseLines {
  readonly cases: readonly CaseResult[]
  /** What the last summary line says; null when there is none. */
  readonly summary: CaseSummary | null
}

export function readCaseLines(text: string): CaseLines {
  const cases: CaseResult[] = []
  let summary: CaseSummary | null = null
  for (const line of text.split('\n')) {
    if (line.startsWith('CASE_RESULT ')) cases.push(readCase(readFields(line)))
    else if (line.startsWith('CASE_SUMMARY ')) summary = readSummary(readFields(line)) ?? summary
  }
  return { cases, summary }
}

type Fields = Readonly<Record<string, string>>

/** `name=value` with values bare, in single quotes, or in double quotes with backslash escapes; parts may stand together. */
function readFields(line: string): Fields {
  const fields: Record<string, string> = {}
  const field = /(?:^|\s)([A-Za-z_]\w*)=((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])*)/g
  for (const [, name = '', value = ''] of line.matchAll(field)) fields[name] = unquote(value)
  return fields
}

function unquote(value: string): string {
  return value.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) => {
    if (double !== undefined) return double.replaceAll(/\\(["\\$`])/g, '$1')
    return single ?? escaped ?? ''
  })
}

function readCase(fields: Fields): CaseResult {
  const status = ({ success: 'passed', fail: 'failed' } as const)[fields['status'] ?? ''] ?? 'error'
  const told = ['intent', 'scenario', 'input', 'expected', 'actual', 'failure_reason']
    .filter(name => fields[name] !== undefined && fields[name] !== '')
    .map(name => `${name}: ${fields[name]}`)
  const name = fields['case_id']
  const nameless = name === undefined || name === ''
  const unread = status === 'error' ? [`status is ${JSON.stringify(fields['status'] ?? null)}, not success or fail`] : []
  return { name: nameless ? 'unnamed' : name, status, message: status === 'passed' ? '' : [...unread, ...told].join('\n') }
}

function readSummary(fields: Fields): CaseSummary | null {
  const [total, passed] = [Number(fields['total_cases']), Number(fields['success_count'])]
  const sound = Number.isInteger(total) && Number.isInteger(passed) && passed >= 0 && passed <= total
  return sound ? { total, passed } : null
}
