// What a verifier's reward files say, and whether that is a pass. Pure. A reward that is missing, unreadable, contradicted or older
// than the verifier is never a pass.

import { type Rewards, rewardPassed, singleReward } from '../core/turn-rewards.ts'
import type { FileRead } from './environments/_adapter.ts'
import { readCaseLines } from './results/case-lines.ts'
import type { CaseResult } from './results/case-result.ts'
import { nameApart, type Verdict } from './results/verdict.ts'

export interface RewardVerdict extends Verdict {
  /** Null when there is none that counts. */
  readonly rewards: Rewards | null
  /** What a person should look at: contradictions between what was reported here and there. */
  readonly flags: readonly string[]
}

export interface RewardEvidence {
  readonly json: FileRead | null
  readonly text: FileRead | null
  /** What the tests printed. */
  readonly printed: string
  /** When the verifier began, by the clock of the files. */
  readonly startedAtMs: number
  readonly timedOut: boolean
  readonly timeoutMs: number
  /** The JSON file wins over the text, whatever both say. */
  readonly harborCompat: boolean
}

export function judgeRewards(evidence: RewardEvidence): RewardVerdict {
  const { cases, summary } = readCaseLines(evidence.printed)
  const flags: string[] = []
  const read = evidence.timedOut ? null : readRewards(evidence, flags)
  const problem = evidence.timedOut
    ? error('time limit', `the tests did not end within ${evidence.timeoutMs} ms`)
    : typeof read === 'string'
      ? error('reward', read)
      : null
  const rewards = read === null || typeof read === 'string' ? null : read
  const passed = rewards !== null && isPass(rewards)
  const failed = cases.filter(result => result.status !== 'passed').length
  if (passed && failed > 0) flags.push(`the reward is a pass although ${failed} of ${cases.length} cases failed`)
  if (summary !== null && cases.length > 0 && summary.total !== cases.length)
    flags.push(`the summary counts ${summary.total} cases, and ${cases.length} were printed`)
  const shown = problem === null ? [...cases] : [...cases, problem]
  if (shown.length === 0) shown.push({ name: 'reward', status: passed ? 'passed' : 'failed', message: describe(rewards) })
  const counted = shown.filter(result => result.status === 'passed').length
  return {
    passed,
    rewards,
    flags,
    tests: nameApart(shown),
    testsPassed: summary?.passed ?? counted,
    testsTotal: summary?.total ?? shown.length,
  }
}

export function isPass(rewards: Rewards): boolean {
  const values = rewards['reward'] === undefined ? Object.values(rewards) : [rewards['reward']]
  return values.length > 0 && values.every(value => value >= rewardPassed)
}

const error = (name: string, message: string): CaseResult => ({ name, status: 'error', message })

const describe = (rewards: Rewards | null): string =>
  Object.entries(rewards ?? {})
    .map(([name, value]) => `${name} is ${value}`)
    .join(', ')

/** The rewards, or what is wrong with them. */
function readRewards(evidence: RewardEvidence, flags: string[]): Rewards | string {
  const fresh = (file: FileRead | null, name: string): FileRead | null => {
    if (file === null || file.modifiedAtMs >= evidence.startedAtMs) return file
    flags.push(`${name} is older than the verifier and does not count`)
    return null
  }
  const json = fresh(evidence.json, 'reward.json')
  const text = fresh(evidence.text, 'reward.txt')
  if (json === null) return text === null ? 'the tests wrote no reward' : readText(text.text)
  const fromJson = readJson(json.text)
  const fromText = text === null ? null : readText(text.text)
  if (evidence.harborCompat || fromText === null || typeof fromText === 'string' || typeof fromJson === 'string') return fromJson
  const [one, other] = [singleReward(fromJson) ?? 0, singleReward(fromText) ?? 0]
  if (one === other) return fromJson
  flags.push(`reward.json says ${one} and reward.txt says ${other}: the lower counts`)
  return one < other ? fromJson : fromText
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function readText(text: string): Rewards | string {
  const trimmed = text.trim()
  if (trimmed === '') return 'reward.txt is empty'
  const value = decimal.test(trimmed) ? Number(trimmed) : Number.NaN
  return Number.isFinite(value) ? { reward: value } : `reward.txt is no number: ${JSON.stringify(trimmed.slice(0, 40))}`
}

function readJson(text: string): Rewards | string {
  if (text.trim() === '') return 'reward.json is empty'
  try {
    const value: unknown = JSON.parse(text)
    const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
    const sound = entries.length > 0 && entries.every(entry => Number.isFinite(entry[1]))
    return sound ? Object.fromEntries(entries) : 'reward.json is no object of numbers'
  } catch {
    return 'reward.json is no valid JSON'
  }
}
