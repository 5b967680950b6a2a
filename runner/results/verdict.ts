// From what a verifier did (exit status, reports) to the cases of an attempt and whether it passed. Pure. The exit status and the
// cases must agree: a failure on either side is a failure, and what proves nothing does not pass.

import type { ExecResult } from '../processes.ts'
import type { CaseResult } from './case-result.ts'
import { readJsonReport } from './json.ts'
import { readJunit } from './junit.ts'
import { readTap } from './tap.ts'

export interface Verdict {
  readonly passed: boolean
  /** Never empty; names are unique. */
  readonly tests: readonly CaseResult[]
  readonly testsPassed: number
  /** Skipped cases do not count. */
  readonly testsTotal: number
}

export interface Evidence {
  readonly result: ExecResult
  /** Content of the file at $TURNPIKE_RESULTS, null when it was not written. */
  readonly report: string | null
  readonly timeoutMs: number
  /** Verifier files that declare test cases of `node:test`, as relative paths. */
  readonly nodeTestFiles: readonly string[]
  /** Directory name to take out of names and messages: it differs from trial to trial. */
  readonly workspace: string
}

export function reachVerdict(evidence: Evidence): Verdict {
  const cases = readCases(evidence).map(result => cleanCase(result, evidence.workspace))
  const broken = cases.some(isBroken)
  const { ended, exit } = evidence.result
  if (ended === 'timed-out') {
    cases.push({ name: 'time limit', status: 'error', message: `the tests did not end within ${evidence.timeoutMs} ms` })
  } else if (cases.length === 0 || (exit !== 0 && !broken)) {
    cases.push(cleanCase(judgeExit(evidence.result, cases.length), evidence.workspace))
  } else if (cases.every(result => result.status === 'skipped')) {
    cases.push({ name: 'any test', status: 'error', message: 'every test was skipped: nothing was tested' })
  }
  const tests = nameApart(cases)
  return {
    passed: !tests.some(isBroken),
    tests,
    testsPassed: tests.filter(test => test.status === 'passed').length,
    testsTotal: tests.filter(test => test.status !== 'skipped').length,
  }
}

const isBroken = (result: CaseResult): boolean => result.status === 'failed' || result.status === 'error'

function readCases(evidence: Evidence): CaseResult[] {
  const printed = (readTap(evidence.result.stdout) ?? []).map(result => doubtEmptyFile(result, evidence.nodeTestFiles))
  const { report } = evidence
  if (report === null || report.trim() === '') return printed
  const reported = readJunit(report) ??
    readJsonReport(report) ??
    readTap(report) ?? [{ name: 'report', status: 'error' as const, message: 'the report is neither JUnit XML, JSON nor TAP' }]
  // The tested code runs inside the verifier and could write the report too: it must not hide a failure that was printed.
  return reported.some(isBroken) ? reported : [...reported, ...printed.filter(isBroken)]
}

/**
 * `node --test` reports a file under its path when no case in it has reported, which also happens when the tested code ends the
 * process with status 0 before the first test. A file that declares tests and shows none has proven nothing.
 */
function doubtEmptyFile(result: CaseResult, nodeTestFiles: readonly string[]): CaseResult {
  if (result.status !== 'passed' || !nodeTestFiles.some(file => result.name === file || result.name.endsWith(`/${file}`)))
    return result
  return { ...result, status: 'error', message: 'the test file ended before any of its tests had reported' }
}

/** What the verifier said last: often the only word about what is wrong. */
const lastWordsCharsMax = 2_000

function judgeExit(result: ExecResult, cases: number): CaseResult {
  const { exit } = result
  if (exit === 0) return { name: 'exit status', status: 'passed', message: '' }
  const how = exit === null ? 'was ended by a signal' : `ended with exit status ${exit}`
  const although = cases > 0 ? ' although no reported test failed' : ''
  const words = (result.stderr.trim() === '' ? result.stdout : result.stderr).trim().slice(-lastWordsCharsMax)
  const message = `the verifier ${how}${although}${words === '' ? '' : `:\n${words}`}`
  return { name: 'exit status', status: 'failed', message }
}

function cleanCase(result: CaseResult, workspace: string): CaseResult {
  const clean = (text: string): string => text.replaceAll(`${workspace}/`, '').replaceAll(workspace, '.')
  return { ...result, name: clean(result.name), message: clean(result.message) }
}

/** A second case of a name gets a number. */
export function nameApart(cases: readonly CaseResult[]): CaseResult[] {
  const taken = new Set<string>()
  return cases.map(result => {
    let name = result.name
    for (let number = 2; taken.has(name); number++) name = `${result.name} (${number})`
    taken.add(name)
    return { ...result, name }
  })
}
