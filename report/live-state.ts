// What is known of a run while it goes on: the plan, and each trial that has begun, brought up to date by one event or figure at a time.
// Pure: same inputs, same state. Takes events in any order, of any shape and of kinds it does not know.

import type { EpochMs, JsonObject, RunEvent, TurnState } from '../core/types.ts'
import { readCount, readNumber, readObject, readStates, readTests, readText } from './event-data.ts'
import { type Activity, nextActivity } from './live-activity.ts'
import type { LiveFigures } from './live-words.ts'

/** What is known of a run before its first event; everything optional is simply not shown. */
export interface LivePlan {
  /** Trials at once. */
  readonly concurrency: number
  /** Tries at a turn. */
  readonly attempts: number
  /** Of the whole run; null = no limit. */
  readonly budget: { readonly costUsd: number | null; readonly tokens: number | null; readonly calls: number | null }
  /** What turns are called, by task; index 0 is turn 1. */
  readonly turnNames: ReadonlyMap<string, readonly string[]>
}

export interface TrialFigures {
  readonly trialId: string
  readonly at: EpochMs
  readonly trial: LiveFigures
  /** Of all trials of the run, also of those before an interruption; null = not counted. */
  readonly run: LiveFigures | null
  /** Model calls that have begun and not ended. */
  readonly inFlight: number
  /** The provider whose rate limit holds one of them up; null = none does. */
  readonly heldBy: string | null
}

export type LiveInput = { readonly event: RunEvent } | { readonly figures: TrialFigures }

/** Each trial of the plan is in exactly one of these. */
export type Phase = 'waiting' | 'running' | 'finished' | 'failed' | 'interrupted'

export interface LiveTrial {
  readonly name: string
  /** The youngest trial of this name. */
  readonly trialId: string
  readonly task: string | null
  readonly phase: Phase
  readonly activity: Activity
  /** First and last turn that are played. */
  readonly firstTurn: number
  readonly lastTurn: number
  readonly turn: number | null
  readonly attempt: number | null
  /** Of the last verification, also when that was of the turn before. */
  readonly tests: { readonly passed: number; readonly total: number } | null
  readonly states: ReadonlyMap<number, TurnState>
  readonly resumedAfter: number | null
  readonly startedAt: EpochMs
  readonly endedAt: EpochMs | null
  readonly turnStartedAt: EpochMs
  readonly attemptStartedAt: EpochMs
  /** Turns that were played to their end in this run, and how long they took. */
  readonly playedTurns: number
  readonly playedMs: number
  readonly outcome: string | null
  readonly reason: string | null
  readonly figures: LiveFigures | null
  readonly callSince: EpochMs | null
  readonly heldBy: string | null
}

export interface LiveState {
  readonly plan: LivePlan
  readonly name: string | null
  readonly startedAt: EpochMs | null
  readonly endedAt: EpochMs | null
  /** Trials to play, and those of an earlier stretch that stand. */
  readonly plannedTrials: number
  readonly kept: { readonly trials: number; readonly failed: number; readonly turns: number; readonly passed: number }
  /** Turns to play, those of kept trials included; null = not said. */
  readonly plannedTurns: number | null
  /** By name, in the order in which they began. */
  readonly trials: ReadonlyMap<string, LiveTrial>
  readonly nameOf: ReadonlyMap<string, string>
  readonly run: LiveFigures | null
}

export function createLiveState(plan: LivePlan): LiveState {
  return {
    plan,
    name: null,
    startedAt: null,
    endedAt: null,
    plannedTrials: 0,
    kept: { trials: 0, failed: 0, turns: 0, passed: 0 },
    plannedTurns: null,
    trials: new Map(),
    nameOf: new Map(),
    run: null,
  }
}

export function applyInput(state: LiveState, input: LiveInput): LiveState {
  return 'event' in input ? applyEvent(state, input.event) : applyFigures(state, input.figures)
}

/** The trial an event is about, as the state has it. */
export function trialOf(state: LiveState, trialId: string | null): LiveTrial | null {
  return trialId === null ? null : (state.trials.get(state.nameOf.get(trialId) ?? '') ?? null)
}

function applyEvent(before: LiveState, event: RunEvent): LiveState {
  const data = readObject(event.data)
  const state = before.startedAt === null ? { ...before, startedAt: event.at } : before
  if (event.trialId === null) return applyRunEvent(state, event, data)
  const name = readText(data['name']) ?? state.nameOf.get(event.trialId) ?? event.trialId
  const known = state.trials.get(name) ?? null
  // Only the youngest trial of a name counts; what the one before it still says is over.
  if (known !== null && known.trialId !== event.trialId && state.nameOf.has(event.trialId)) return state
  const trial = known === null || known.trialId !== event.trialId ? beginTrial(name, event, known) : known
  const next = { ...applyTrialEvent(trial, event, data), activity: nextActivity(trial.activity, event, data) }
  const nameOf = state.nameOf.get(event.trialId) === name ? state.nameOf : new Map(state.nameOf).set(event.trialId, name)
  return { ...state, nameOf, trials: new Map(state.trials).set(name, next) }
}

function applyRunEvent(state: LiveState, { type, at }: RunEvent, data: JsonObject): LiveState {
  if (type === 'run-ended') return { ...state, endedAt: at }
  if (type !== 'run-started') return state
  const trials = readCount(data['kept'])
  return {
    ...state,
    startedAt: at,
    endedAt: null,
    name: readText(data['name']),
    plannedTrials: readCount(data['trials']),
    kept: {
      trials,
      failed: Math.min(trials, readCount(data['keptFailed'])),
      turns: readCount(data['keptTurns']),
      passed: readCount(data['keptPassed']),
    },
    plannedTurns: readNumber(data['turnsToPlay']) ?? readNumber(data['plannedTurns']),
  }
}

/** A successor takes the place of the trial before it; how long turns of the cell took stays known. */
function beginTrial(name: string, { trialId, at }: RunEvent, before: LiveTrial | null): LiveTrial {
  return {
    name,
    trialId: trialId ?? name,
    task: before?.task ?? null,
    phase: 'waiting',
    activity: { kind: 'starting', since: at, detail: null, until: null },
    firstTurn: before?.firstTurn ?? 1,
    lastTurn: before?.lastTurn ?? 0,
    turn: null,
    attempt: null,
    tests: null,
    states: new Map(),
    resumedAfter: null,
    startedAt: before?.startedAt ?? at,
    endedAt: null,
    turnStartedAt: at,
    attemptStartedAt: at,
    playedTurns: before?.playedTurns ?? 0,
    playedMs: before?.playedMs ?? 0,
    outcome: null,
    reason: null,
    figures: null,
    callSince: null,
    heldBy: null,
  }
}

function applyTrialEvent(trial: LiveTrial, event: RunEvent, data: JsonObject): LiveTrial {
  const { type, at } = event
  const turn = readNumber(data['turn']) ?? trial.turn
  switch (type) {
    case 'trial-held':
      return trial.phase === 'running' ? trial : { ...trial, phase: 'waiting' }
    case 'trial-started': {
      const firstTurn = readNumber(data['firstTurn']) ?? 1
      const lastTurn = readNumber(data['lastTurn']) ?? readCount(data['plannedTurns'])
      const task = readText(data['task']) ?? trial.task
      return { ...trial, phase: 'running', task, firstTurn, lastTurn, turnStartedAt: at, endedAt: null }
    }
    case 'turns-copied':
    case 'turns-settled':
      return { ...trial, states: new Map([...trial.states, ...readStates(data['states'])]) }
    case 'trial-continued':
      return { ...trial, resumedAfter: turn }
    case 'attempt-started':
      return { ...trial, phase: 'running', turn, attempt: readNumber(data['attempt']), attemptStartedAt: at }
    case 'attempt-verified':
      return { ...trial, turn, attempt: readNumber(data['attempt']) ?? trial.attempt, tests: readTests(data) }
    case 'turn-ended':
      return endTurn(trial, at, turn, data)
    case 'trial-ended': {
      const outcome = readText(data['outcome']) ?? 'ended'
      const phase = outcome === 'finished' || outcome === 'interrupted' ? outcome : 'failed'
      const over = { phase, outcome, reason: readText(data['reason']), endedAt: at } as const
      return { ...trial, ...over, callSince: null, heldBy: null }
    }
    case 'trial-retried':
      return { ...trial, phase: 'waiting', endedAt: null }
    default:
      return trial
  }
}

function endTurn(trial: LiveTrial, at: EpochMs, turn: number | null, data: JsonObject): LiveTrial {
  const state = readText(data['state']) as TurnState | null
  const states = turn === null || state === null ? trial.states : new Map(trial.states).set(turn, state)
  const ms = Math.max(0, at - trial.turnStartedAt)
  return {
    ...trial,
    turn,
    states,
    resumedAfter: null,
    playedTurns: trial.playedTurns + 1,
    playedMs: trial.playedMs + ms,
    turnStartedAt: at,
  }
}

function applyFigures(state: LiveState, { trialId, at, trial: spent, run, inFlight, heldBy }: TrialFigures): LiveState {
  const trial = trialOf(state, trialId)
  const known = run ?? state.run
  if (trial === null || trial.trialId !== trialId) return { ...state, run: known }
  const callSince = inFlight === 0 || trial.endedAt !== null ? null : (trial.callSince ?? at)
  const next = { ...trial, figures: spent, callSince, heldBy: callSince === null ? null : heldBy }
  return { ...state, run: known, trials: new Map(state.trials).set(trial.name, next) }
}
