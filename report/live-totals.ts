// The sums of a run while it goes on: trials by phase, turns, tokens and cost; and about how long it will take from here. Pure.

import type { EpochMs } from '../core/types.ts'
import type { LiveState, LiveTrial } from './live-state.ts'
import type { LiveFigures } from './live-words.ts'

export interface LiveTotals {
  /** Sum of the five below. */
  readonly trials: number
  readonly finished: number
  readonly failed: number
  /** Stopped by whoever runs them: neither done nor failed. */
  readonly interrupted: number
  readonly running: number
  readonly waiting: number
  readonly plannedTurns: number
  readonly doneTurns: number
  readonly passedTurns: number
  /** Of the run; null when nobody has counted. */
  readonly figures: LiveFigures | null
  /** Mean duration of a turn of this run; null = none has ended. */
  readonly turnMs: number | null
  /** Null while there is no basis to tell. */
  readonly leftMs: number | null
}

export function foldTotals(state: LiveState, now: EpochMs): LiveTotals {
  const { kept, plannedTrials } = state
  const begun = [...state.trials.values()]
  const count = (phase: LiveTrial['phase']): number => begun.filter(trial => trial.phase === phase).length
  const unseen = Math.max(0, plannedTrials - begun.length)
  // A turn that an interruption left out is still to be played.
  const done = begun.map(trial => listDone(trial).filter(turn => turn !== 'missing'))
  const doneTurns = kept.turns + sum(done.map(states => states.length))
  const begunTurns = kept.turns + sum(begun.map(turnsOf))
  return {
    trials: kept.trials + begun.length + unseen,
    finished: kept.trials - kept.failed + count('finished'),
    failed: kept.failed + count('failed'),
    interrupted: count('interrupted'),
    running: count('running'),
    waiting: count('waiting') + unseen,
    plannedTurns: Math.max(state.plannedTurns ?? 0, begunTurns, doneTurns),
    doneTurns,
    passedTurns: kept.passed + sum(done.map(states => states.filter(turn => turn === 'passed').length)),
    figures: state.run ?? sumFigures(begun),
    turnMs: meanTurnMs(begun),
    leftMs: estimateLeft(state, now),
  }
}

/** Turns of the trial that are played in this run, from the first to the last that its run asks for. */
export function turnsOf({ firstTurn, lastTurn }: LiveTrial): number {
  return Math.max(0, lastTurn - firstTurn + 1)
}

/** States of the turns that are over, among those that are played. */
export function listDone({ states, firstTurn, lastTurn }: LiveTrial): string[] {
  return [...states].filter(([turn]) => turn >= firstTurn && turn <= lastTurn).map(([, state]) => state)
}

/** Turns that must have been played before anything is foretold, and the weight of the run's mean beside a trial's own. */
const [basisTurns, meanWeight] = [2, 2]

/**
 * Trials at work need the rest of their turns; each turn takes as long as turns of this trial, and of the run, took so far. Trials that
 * wait follow, each on the place that is free first. Null until two turns were played, and when the run is over.
 */
export function estimateLeft(state: LiveState, now: EpochMs): number | null {
  const trials = [...state.trials.values()]
  const turnMs = meanTurnMs(trials)
  if (turnMs === null || state.endedAt !== null || sum(trials.map(trial => trial.playedTurns)) < basisTurns) return null
  const active = trials.filter(trial => trial.phase === 'running' || trial.phase === 'waiting')
  const places = active.map(trial => timeLeft(trial, turnMs, now))
  const unseen = Math.max(0, state.plannedTrials - trials.length)
  if (active.length + unseen === 0) return null
  const begunTurns = sum(trials.map(turnsOf))
  const unseenTurns = Math.max(0, (state.plannedTurns ?? 0) - state.kept.turns - begunTurns)
  const concurrency = Math.max(1, state.plan.concurrency)
  while (places.length < concurrency && places.length < active.length + unseen) places.push(0)
  for (let left = unseen; left > 0; left--) {
    const free = places.indexOf(Math.min(...places))
    places[free] = (places[free] ?? 0) + (unseenTurns / unseen) * turnMs
  }
  return Math.max(0, ...places)
}

function timeLeft(trial: LiveTrial, runTurnMs: number, now: EpochMs): number {
  const turnMs = (trial.playedMs + meanWeight * runTurnMs) / (trial.playedTurns + meanWeight)
  const left = Math.max(0, turnsOf(trial) - listDone(trial).length)
  // Of the turn that is being played, what is over is not to come; a turn that takes longer than others is about to end.
  const begun = trial.phase === 'running' && left > 0 ? Math.min(turnMs, Math.max(0, now - trial.turnStartedAt)) : 0
  const pause = trial.activity.until === null ? 0 : Math.max(0, trial.activity.until - now)
  return pause + left * turnMs - begun
}

function meanTurnMs(trials: readonly LiveTrial[]): number | null {
  const turns = sum(trials.map(trial => trial.playedTurns))
  return turns === 0 ? null : sum(trials.map(trial => trial.playedMs)) / turns
}

function sumFigures(trials: readonly LiveTrial[]): LiveFigures | null {
  const all = trials.flatMap(trial => trial.figures ?? [])
  if (all.length === 0) return null
  const total = (read: (figures: LiveFigures) => number): number => sum(all.map(read))
  return {
    calls: total(one => one.calls),
    tokens: {
      input: total(one => one.tokens.input),
      cachedRead: total(one => one.tokens.cachedRead),
      cachedWrite: total(one => one.tokens.cachedWrite),
      output: total(one => one.tokens.output),
    },
    nanoUsd: total(one => one.nanoUsd),
    pricedCalls: total(one => one.pricedCalls),
    unpricedCalls: total(one => one.unpricedCalls),
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
