// What a reader of test reports gives back. The readers of this folder are pure functions from text to cases.

export interface CaseResult {
  readonly name: string
  readonly status: 'passed' | 'failed' | 'skipped' | 'error'
  /** What went wrong, in the test's own words; empty when it passed. */
  readonly message: string
}

/** The cases of a report, or null when the text is not in the reader's format. */
export type ReportReader = (text: string) => CaseResult[] | null
