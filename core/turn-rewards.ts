// Rewards of turns, as verifiers left them, read from the events of a run: what scores and exported trees are both made from. Pure.

import type { JsonObject, RunEvent } from './types.ts'

export type Rewards = Readonly<Record<string, number>>

/** EvoCode-Bench's scripts take this for 1. */
export const rewardPassed = 0.999

/** Keys are whatever a verifier wrote, `constructor` too. */
export const readReward = (rewards: Rewards | null, key: string): number | null =>
  rewards !== null && Object.hasOwn(rewards, key) ? (rewards[key] ?? null) : null

/** The one number of a turn: the reward of that name, else the mean of all; null when there is none. */
export function singleReward(rewards: Rewards | null): number | null {
  const values = rewards === null ? [] : Object.values(rewards)
  if (rewards === null || values.length === 0) return null
  return rewards['reward'] ?? values.reduce((sum, value) => sum + value, 0) / values.length
}

export interface TrialRewards {
  /** Names of all turns of the task, in order; null where its turns have none. */
  readonly turnNames: readonly string[] | null
  /** How the task's author wants rewards of turns to become one. */
  readonly rewardOf: 'mean' | 'final'
  /** Of the last attempt of each turn; null: its verifier left none that counts. No entry: not verified by a reward. */
  readonly byTurn: ReadonlyMap<number, Rewards | null>
  /** The trial that played a turn; where one trial went on with another, the earlier turns are the other's. */
  readonly playedBy: (turn: number) => string
  /** What was told of the trial when it started. */
  readonly started: JsonObject
}

/** Types of the events that tell of them. */
export const rewardEvents = ['trial-started', 'trial-origin', 'attempt-verified'] as const

/** By trial. A trial that went on where another was stopped has the rewards of both. */
export function readRewards(events: readonly RunEvent[]): ReadonlyMap<string, TrialRewards> {
  const notes = new Map<string, Notes>()
  for (const event of events) {
    if (event.trialId === null) continue
    const note = notes.get(event.trialId) ?? { started: {}, origin: null, byTurn: new Map() }
    notes.set(event.trialId, noteEvent(note, event.type, event.data as JsonObject))
  }
  return new Map([...notes].map(([trialId, note]) => [trialId, describeTrial(trialId, note, notes)]))
}

interface Notes {
  readonly started: JsonObject
  readonly origin: { readonly trialId: string; readonly turn: number } | null
  readonly byTurn: Map<number, Rewards | null>
}

function noteEvent(note: Notes, type: string, data: JsonObject): Notes {
  if (type === 'trial-started') return { ...note, started: data }
  if (type === 'trial-origin' && data['kind'] === 'continued')
    return { ...note, origin: { trialId: String(data['trialId']), turn: Number(data['turn']) } }
  if (type === 'attempt-verified' && data['rewards'] !== undefined)
    note.byTurn.set(Number(data['turn']), data['rewards'] as Rewards | null)
  return note
}

function describeTrial(trialId: string, note: Notes, notes: ReadonlyMap<string, Notes>): TrialRewards {
  const { started } = note
  const names = started['turnNames']
  return {
    turnNames: Array.isArray(names) ? names.map(String) : null,
    rewardOf: started['rewardOf'] === 'final' ? 'final' : 'mean',
    byTurn: inherit(trialId, notes),
    playedBy: turn => findPlayer(trialId, turn, notes),
    started,
  }
}

/** What the trial before had measured up to where this one goes on, and this one's own. */
function inherit(trialId: string, notes: ReadonlyMap<string, Notes>): ReadonlyMap<number, Rewards | null> {
  const note = notes.get(trialId)
  if (note === undefined) return new Map()
  const { origin, byTurn } = note
  const before = origin === null ? [] : [...inherit(origin.trialId, notes)].filter(([turn]) => turn <= origin.turn)
  return new Map([...before, ...byTurn])
}

function findPlayer(trialId: string, turn: number, notes: ReadonlyMap<string, Notes>): string {
  const origin = notes.get(trialId)?.origin ?? null
  return origin !== null && turn <= origin.turn ? findPlayer(origin.trialId, turn, notes) : trialId
}
