// Reads test results from the Test Anything Protocol (13 and 14, nested as `node --test` writes it). Pure and total: any text in,
// cases out. Only leaves are cases; a group counts when it fails although no case inside did.

import type { CaseResult } from './case-result.ts'

interface Point {
  readonly depth: number
  readonly name: string
  readonly status: CaseResult['status']
  message: string
}

/** The cases of a TAP stream, or null when the text is none. */
export function readTap(text: string): CaseResult[] | null {
  const lines = text.split(/\r?\n/)
  if (!lines.some(line => /^TAP version 1[34]\s*$/.test(line)) && !isBareTap(lines)) return null
  const points: Point[] = []
  const problems: CaseResult[] = []
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    const bail = /^\s*Bail out!\s*(.*)$/.exec(line)
    if (bail) problems.push({ name: 'Bail out!', status: 'error', message: bail[1] ?? '' })
    const point = readPoint(line)
    if (!point) continue
    points.push(point)
    index = readDiagnostics(lines, index, point)
  }
  return [...foldPoints(points), ...problems, ...comparePlan(lines, points)]
}

function isBareTap(lines: readonly string[]): boolean {
  return lines.some(line => /^1\.\.\d+/.test(line)) && lines.some(line => /^(not )?ok\b/.test(line))
}

function readPoint(line: string): Point | null {
  const match = /^( *)(not ok|ok)\b(?: +\d+)?(?: +- )?(.*)$/.exec(line)
  if (!match) return null
  const [, indent = '', word, rest = ''] = match
  const directive = / # (SKIP|TODO)\b ?(.*)$/i.exec(` ${rest}`)
  const name = (directive ? rest.slice(0, Math.max(0, directive.index - 1)) : rest).replaceAll(/\\([#\\])/g, '$1').trim()
  const status = directive ? 'skipped' : word === 'ok' ? 'passed' : 'failed'
  return { depth: Math.floor(indent.length / 4), name: name === '' ? 'unnamed' : name, status, message: directive?.[2] ?? '' }
}

/** Takes the error out of the YAML block after a point; returns the index of its last line. */
function readDiagnostics(lines: readonly string[], at: number, point: Point): number {
  const start = /^(\s*)---\s*$/.exec(lines[at + 1] ?? '')
  if (!start) return at
  const indent = start[1] ?? ''
  let end = at + 2
  while (end < lines.length && lines[end] !== `${indent}...`) end++
  if (end === lines.length) return at
  if (point.status === 'failed') point.message = readError(lines.slice(at + 2, end).map(line => line.slice(indent.length)))
  return end
}

const messageKey = /^(?:error|message): ?(.*)$/

function readError(block: readonly string[]): string {
  const at = block.findIndex(line => messageKey.test(line))
  if (at < 0) return block.join('\n').trim()
  const first = messageKey.exec(block[at] ?? '')?.[1] ?? ''
  if (!/^[|>][-+]?$/.test(first)) return unquote(first)
  const rest = block.slice(at + 1)
  const length = rest.findIndex(line => line.trim() !== '' && !line.startsWith('  '))
  return rest
    .slice(0, length < 0 ? undefined : length)
    .map(line => line.slice(2))
    .join('\n')
    .trim()
}

function unquote(text: string): string {
  const quoted = /^(['"])(.*)\1$/.exec(text)
  return quoted ? (quoted[2] ?? '').replaceAll("''", "'") : text
}

/** A group's line stands after the lines of its members, one level further out. */
function foldPoints(points: readonly Point[]): CaseResult[] {
  const open: Array<{ depth: number; cases: CaseResult[] }> = []
  for (const { depth, name, status, message } of points) {
    const inside: CaseResult[] = []
    while ((open.at(-1)?.depth ?? -1) > depth) inside.unshift(...(open.pop()?.cases ?? []))
    const cases = inside.map(member => ({ ...member, name: `${name} > ${member.name}` }))
    if (cases.length === 0 || (status === 'failed' && !inside.some(isBroken))) cases.push({ name, status, message })
    const level = open.at(-1)
    if (level?.depth === depth) level.cases.push(...cases)
    else open.push({ depth, cases })
  }
  return open.flatMap(level => level.cases)
}

const isBroken = (result: CaseResult): boolean => result.status === 'failed' || result.status === 'error'

/** A stream that promises more points than it brings was cut off: its silence is no success. */
function comparePlan(lines: readonly string[], points: readonly Point[]): CaseResult[] {
  const plan = lines.map(line => /^1\.\.(\d+)/.exec(line)).find(match => match !== null)
  const ran = points.filter(point => point.depth === 0).length
  if (!plan) return [{ name: 'test plan', status: 'error', message: `the report ends without a plan after ${ran} results` }]
  // `node --test` counts nested cases of later files into its plan only when they ran: fewer is the one case that is a cut.
  if (Number(plan[1]) <= ran) return []
  return [{ name: 'test plan', status: 'error', message: `${plan[1]} results were planned, ${ran} came` }]
}
