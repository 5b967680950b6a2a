// Reads test results from JUnit XML (pytest, node, jest, go-junit-report …). Pure and total: a broken file gives what could be
// read, never an exception. Only `testcase` elements count; the totals a file claims for itself are not believed.

import type { CaseResult } from './case-result.ts'

/** The cases of a JUnit file, or null when the text is none. */
export function readJunit(text: string): CaseResult[] | null {
  const start = text.replace(/^\uFEFF?(?:\s*<(?:\?|!--)[\s\S]*?(?:\?|--)>)*\s*/, '')
  if (!/^<testsuites?[\s>/]/.test(start)) return null
  const cases: CaseResult[] = []
  for (const match of start.matchAll(/<testcase\b((?:[^>"']|"[^"]*"|'[^']*')*?)(?:\/>|>([\s\S]*?)<\/testcase\s*>)/g)) {
    cases.push(readCase(readAttributes(match[1] ?? ''), match[2] ?? ''))
  }
  const opened = start.match(/<testcase\b/g)?.length ?? 0
  if (opened > cases.length || !/<\/testsuites?\s*>\s*$|^<testsuites?[^>]*\/>\s*$/.test(start)) {
    cases.push({ name: 'report', status: 'error', message: 'the JUnit report is cut off' })
  }
  return cases
}

function readCase(attributes: ReadonlyMap<string, string>, body: string): CaseResult {
  const group = attributes.get('classname') ?? ''
  const title = attributes.get('name') ?? 'unnamed'
  // `node --test` writes classname="test" for every case: it tells nothing.
  const name = group === '' || group === 'test' ? title : `${group} > ${title}`
  const trouble = /<(failure|error)\b((?:[^>"']|"[^"]*"|'[^']*')*?)(?:\/>|>([\s\S]*?)<\/\1\s*>)/.exec(body)
  if (trouble) {
    const said = readAttributes(trouble[2] ?? '').get('message') ?? ''
    const text = readText(trouble[3] ?? '').trim()
    return { name, status: trouble[1] === 'error' ? 'error' : 'failed', message: said !== '' ? said : text }
  }
  const skipped = /<skipped\b/.test(body)
  return { name, status: skipped ? 'skipped' : 'passed', message: '' }
}

function readAttributes(text: string): Map<string, string> {
  const found = text.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)
  return new Map([...found].map(match => [match[1] ?? '', unescapeXml(match[2] ?? match[3] ?? '')]))
}

function readText(text: string): string {
  const parts = text.split(/<!\[CDATA\[([\s\S]*?)\]\]>/)
  return parts.map((part, index) => (index % 2 === 1 ? part : unescapeXml(part))).join('')
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function unescapeXml(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return entities[name] ?? whole
    const code = name[1]?.toLowerCase() === 'x' ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
