// Reward files: what counts, what does not, and what is flagged.
import { describe, expect, it } from 'vitest'
import { isPass, judgeRewards, type RewardEvidence } from '../../runner/rewards.ts'

const file = (text: string, modifiedAtMs = 100) => ({ text, modifiedAtMs })
const judge = (change: Partial<RewardEvidence>) =>
  judgeRewards({
    json: null,
    text: null,
    printed: '',
    startedAtMs: 50,
    timedOut: false,
    timeoutMs: 1000,
    harborCompat: false,
    ...change,
  })
const fail = 'CASE_RESULT case_id=a status=fail'
const success = 'CASE_RESULT case_id=b status=success'

describe('a reward', () => {
  it.each([
    [{ text: file('1\n') }, true, { reward: 1 }],
    [{ text: file('1.0') }, true, { reward: 1 }],
    [{ text: file('0.998') }, false, { reward: 0.998 }],
    [{ text: file('0') }, false, { reward: 0 }],
    [{ text: file('-1') }, false, { reward: -1 }],
    [{ text: file('1e0') }, true, { reward: 1 }],
    [{ json: file('{"reward": -3}') }, false, { reward: -3 }],
    [{ json: file('{"reward": 1}') }, true, { reward: 1 }],
    [{ json: file('{"reward": 1, "style": 0}') }, true, { reward: 1, style: 0 }],
    [{ json: file('{"a": 1, "b": 0.5}') }, false, { a: 1, b: 0.5 }],
    [{ json: file('{"a": 1, "b": 1}') }, true, { a: 1, b: 1 }],
  ])('of %j passes: %s', (change, passed, rewards) => {
    const verdict = judge(change)
    expect(verdict).toMatchObject({ passed, rewards, flags: [], testsTotal: 1, testsPassed: passed ? 1 : 0 })
    expect(verdict.tests).toMatchObject([{ name: 'reward', status: passed ? 'passed' : 'failed' }])
  })

  it.each([
    [{}, 'the tests wrote no reward'],
    [{ text: file(' \n') }, 'reward.txt is empty'],
    [{ text: file('one') }, 'reward.txt is no number: "one"'],
    [{ text: file('NaN') }, 'reward.txt is no number: "NaN"'],
    [{ text: file('Infinity') }, 'reward.txt is no number: "Infinity"'],
    [{ text: file('-Infinity') }, 'reward.txt is no number: "-Infinity"'],
    [{ text: file('0x1') }, 'reward.txt is no number: "0x1"'],
    [{ text: file('1 1') }, 'reward.txt is no number: "1 1"'],
    [{ json: file('{"reward": 1e999}') }, 'reward.json is no object of numbers'],
    [{ json: file('{"reward": NaN}') }, 'reward.json is no valid JSON'],
    [{ json: file('{"reward": true}') }, 'reward.json is no object of numbers'],
    [{ json: file('{"reward": null}') }, 'reward.json is no object of numbers'],
    [{ json: file('{"reward": 1, "style": "good"}') }, 'reward.json is no object of numbers'],
    [{ json: file('{"reward": {"value": 1}}') }, 'reward.json is no object of numbers'],
    [{ json: file('1') }, 'reward.json is no object of numbers'],
    [{ json: file('[1]') }, 'reward.json is no object of numbers'],
    [{ json: file('{}') }, 'reward.json is no object of numbers'],
    [{ json: file('{"reward": "1"}') }, 'reward.json is no object of numbers'],
    [{ json: file('{') }, 'reward.json is no valid JSON'],
    [{ json: file(''), text: file('1') }, 'reward.json is empty'],
  ])('of %j is none', (change, message) => {
    expect(judge(change)).toMatchObject({
      passed: false,
      rewards: null,
      tests: [{ name: 'reward', status: 'error', message }],
    })
  })

  it('that is older than the verifier does not count', () => {
    expect(judge({ json: file('{"reward": 1}', 49), text: file('0') })).toMatchObject({
      passed: false,
      rewards: { reward: 0 },
      flags: ['reward.json is older than the verifier and does not count'],
    })
    expect(judge({ text: file('1', 50) })).toMatchObject({ passed: true, flags: [] })
  })

  it('told differently in two files counts as the lower, but under compat the JSON file wins', () => {
    const both = { json: file('{"reward": 1}'), text: file('0') }
    expect(judge(both)).toMatchObject({ passed: false, rewards: { reward: 0 } })
    expect(judge(both).flags).toEqual(['reward.json says 1 and reward.txt says 0: the lower counts'])
    expect(judge({ json: file('{"reward": 0}'), text: file('1') })).toMatchObject({ passed: false, rewards: { reward: 0 } })
    expect(judge({ ...both, harborCompat: true })).toMatchObject({ passed: true, rewards: { reward: 1 }, flags: [] })
    expect(judge({ json: file('{"reward": 1}'), text: file('1') }).flags).toEqual([])
  })

  it('written before the time limit is none', () => {
    expect(judge({ text: file('1'), timedOut: true })).toMatchObject({
      passed: false,
      rewards: null,
      tests: [{ name: 'time limit', status: 'error', message: 'the tests did not end within 1000 ms' }],
    })
  })
})

describe('printed cases', () => {
  it('are the tests; the reward decides, and a contradiction is flagged', () => {
    const verdict = judge({ text: file('1'), printed: `${fail}\n${success}\n` })
    expect(verdict).toMatchObject({ passed: true, testsPassed: 1, testsTotal: 2 })
    expect(verdict.flags).toEqual(['the reward is a pass although 1 of 2 cases failed'])
    expect(judge({ text: file('0'), printed: success })).toMatchObject({
      passed: false,
      testsPassed: 1,
      testsTotal: 1,
      flags: [],
    })
  })

  it('are counted by the summary, and a summary of others is flagged', () => {
    const verdict = judge({ text: file('0'), printed: `${success}\n${success}\nCASE_SUMMARY total_cases=9 success_count=4\n` })
    expect(verdict).toMatchObject({ testsPassed: 4, testsTotal: 9 })
    expect(verdict.flags).toEqual(['the summary counts 9 cases, and 2 were printed'])
    expect(verdict.tests.map(test => test.name)).toEqual(['b', 'b (2)'])
  })
})

it('nothing is no pass', () => {
  expect(isPass({})).toBe(false)
})
