import { describe, expect, it } from 'vitest'
import { classifyFailure, type FailureSigns, failureClasses } from '../../runner/failure-class.ts'

const agent = (ended: 'exited' | 'timed-out' | 'failed-to-start', exit: number | null, stderr = '') => ({
  ended,
  exit,
  stdout: '',
  stderr,
})
const quiet: FailureSigns = {
  agent: agent('exited', 0),
  blame: null,
  errorTexts: [],
  lastAnswer: '',
  repeats: 1,
  sameRequests: 0,
  unoffered: false,
  changed: true,
}
const cases: ReadonlyArray<readonly [string, Partial<FailureSigns>, readonly string[]]> = [
  ['wrong work', {}, ['wrong-result']],
  ['an agent that calls no program', { agent: null }, ['wrong-result']],
  ['no such program', { agent: agent('failed-to-start', null) }, ['not-started']],
  ['a spent budget', { blame: 'budget', agent: agent('exited', 1) }, ['budget', 'crash']],
  ['a provider that is down', { blame: 'provider' }, ['provider-error']],
  [
    'a full context',
    { errorTexts: ['{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}'], agent: agent('exited', 1) },
    ['context-overflow', 'crash'],
  ],
  [
    'a full context, as another provider says it',
    { errorTexts: ['input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000'] },
    ['context-overflow'],
  ],
  ['another refusal', { errorTexts: ['{"error":{"message":"temperature must be a number"}}'] }, ['wrong-result']],
  [
    'its own killer',
    { agent: agent('exited', null), lastAnswer: 'I will stop the server: pkill -f node' },
    ['self-kill', 'crash'],
  ],
  ['want of memory', { agent: { ...agent('exited', null), memoryKills: 1 } }, ['out-of-memory', 'crash']],
  ['want of memory that was survived', { agent: { ...agent('exited', 0), memoryKills: 2 } }, ['wrong-result']],
  ['killed by another', { agent: agent('exited', null), lastAnswer: 'Running the tests' }, ['crash']],
  ['a kill that harmed nobody', { lastAnswer: 'kill -9 1234' }, ['wrong-result']],
  ['the same call again and again', { repeats: 5 }, ['stuck-loop']],
  ['a poll', { repeats: 4, sameRequests: 4 }, ['wrong-result']],
  ['the same request again and again', { sameRequests: 5, agent: agent('timed-out', null) }, ['stuck-loop', 'timeout']],
  [
    'a broken compaction',
    { agent: agent('exited', 1, 'Error: failed to compact conversation') },
    ['compaction-failure', 'crash'],
  ],
  ['a broken tool call', { agent: agent('exited', 2, 'InputValidationError: Bash') }, ['invalid-tool-call', 'crash']],
  ['a tool that nobody offered', { unoffered: true, changed: false }, ['invalid-tool-call', 'no-edit']],
  [
    'words of trouble in a run that ended well',
    { agent: agent('exited', 0, 'failed to compact; unknown tool call') },
    ['wrong-result'],
  ],
  ['nothing done', { changed: false }, ['no-edit']],
  ['nothing known of the disk', { changed: null }, ['wrong-result']],
]

describe('the class of a failure', () => {
  it.each(cases)('%s', (_, signs, labels) => {
    expect(classifyFailure({ ...quiet, ...signs })).toEqual({ primary: labels[0], labels })
  })

  it('has a case for every class', () => {
    expect([...new Set(cases.flatMap(([, , labels]) => labels))].sort()).toEqual([...failureClasses].sort())
  })
})
