// Case lines of test scripts, with the quoting of shells.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readCaseLines } from '../../../runner/results/case-lines.ts'

it('reads cases and the summary, and passes over everything else', () => {
  const text = [
    'collecting …',
    `CASE_RESULT case_id=a-1 origin_step=round-1 requirement_ref=R1 case_type=functional status=success intent="x" failure_reason=""`,
    `CASE_RESULT case_id='b 2' status=fail intent="says \\"hi\\"" input='a=1 status=success' expected="1" actual="" failure_reason=no\\ way`,
    '  CASE_RESULT case_id=indented status=fail',
    'CASE_SUMMARY total_cases=5 success_count=4 fail_count=1',
  ].join('\n')
  expect(readCaseLines(text)).toEqual({
    cases: [
      { name: 'a-1', status: 'passed', message: '' },
      {
        name: 'b 2',
        status: 'failed',
        message: 'intent: says "hi"\ninput: a=1 status=success\nexpected: 1\nfailure_reason: no way',
      },
    ],
    summary: { total: 5, passed: 4 },
  })
})

it('takes nothing unreadable for a pass', () => {
  const { cases, summary } = readCaseLines(
    'CASE_RESULT status=ok\nCASE_RESULT case_id=x\nCASE_SUMMARY total_cases=2 success_count=3\n',
  )
  expect(cases.map(({ name, status }) => [name, status])).toEqual([
    ['unnamed', 'error'],
    ['x', 'error'],
  ])
  expect(cases[0]?.message).toContain('status is "ok"')
  expect(summary).toBeNull()
  expect(readCaseLines('CASE_SUMMARY total_cases=1 success_count=1\nCASE_SUMMARY total_cases=4 success_count=2').summary).toEqual(
    { total: 4, passed: 2 },
  )
})

it('gives back what a shell would quote, whatever it is', () => {
  fc.assert(
    fc.property(
      fc.string().filter(text => !/[\r\n\u2028\u2029]/.test(text) && text.trim() !== ''),
      text => {
        const double = `"${text.replaceAll(/["\\$`]/g, '\\$&')}"`
        const single = `'${text.replaceAll("'", `'\\''`)}'`
        for (const quoted of [double, single])
          expect(readCaseLines(`CASE_RESULT case_id=${quoted} status=success`).cases).toEqual([
            { name: text, status: 'passed', message: '' },
          ])
      },
    ),
  )
})
