// The live view where nothing can be redrawn: one plain line for each thing worth one, in words. Pure; no control character leaves here.

import type { EpochMs, RunEvent } from '../core/types.ts'
import { readNumber, readObject, readText } from './event-data.ts'
import { describeLeft, listFacts } from './live-facts.ts'
import { applyInput, type LiveState, type LiveTrial, trialOf } from './live-state.ts'
import { foldTotals, listDone, turnsOf } from './live-totals.ts'
import { shortenCount, writeCost, writeDuration, writeInput, writeStamp } from './live-words.ts'
import { cleanText, countOf } from './words.ts'

/** What an event is worth saying; null = nothing. `state` is the one after it. */
export function describeEvent(state: LiveState, event: RunEvent): string | null {
  const told = describeTrouble(event) ?? (event.trialId === null ? describeRun(state, event) : describeTrial(state, event))
  return told === null ? null : cleanText(told)
}

export function stampLine(text: string, startedAt: EpochMs | null, now: EpochMs): string {
  return `[${writeStamp(startedAt === null ? 0 : now - startedAt)}] ${text}`
}

/** Where the run stands, in one line. */
export function describeProgress(state: LiveState, now: EpochMs): string {
  const totals = foldTotals(state, now)
  const turns = `${totals.doneTurns}/${totals.plannedTurns} turns, ${totals.passedTurns} passed`
  const left = describeLeft(totals, true)
  return cleanText(`progress  ${[turns, ...listFacts(totals, state.plan), ...(left === null ? [] : [left])].join(' · ')}`)
}

/** What went wrong on the way without ending anything; a terminal shows it as well. */
export function describeTrouble(event: RunEvent): string | null {
  const data = readObject(event.data)
  const name = readText(data['name']) ?? event.trialId ?? ''
  const reason = readText(data['reason'])
  const because = reason === null ? '' : `: ${reason}`
  switch (event.type) {
    case 'run-warned':
      return cleanText(`warning: ${readText(data['message']) ?? ''}`)
    case 'environment-retried':
      return cleanText(`${name}  environment failed, trying again${because}`)
    case 'environment-left':
      return cleanText(`${name}  environment could not be removed${because}`)
    case 'conversation-lost':
      return cleanText(`${name}  turn ${readNumber(data['turn']) ?? '?'}  the conversation was lost${because}`)
    case 'trial-retried': {
      const which = `${readNumber(data['retry']) ?? '?'} of ${readNumber(data['retriesMax']) ?? '?'}`
      return cleanText(`${name}  is tried again in ${writeDuration(readNumber(data['pauseMs']) ?? 0)} (${which})${because}`)
    }
    case 'trial-held':
      return cleanText(`${name}  waits ${writeDuration(readNumber(data['ms']) ?? 0)} for a provider`)
    case 'leak-found':
      return cleanText(
        `${name}  turn ${readNumber(data['turn']) ?? '?'}  warning: hidden tests reached a model (turnpike report has more)`,
      )
    default:
      return null
  }
}

function describeRun(state: LiveState, event: RunEvent): string | null {
  if (event.type === 'run-ended') return `run ended, ${readText(readObject(event.data)['state']) ?? 'over'}`
  if (event.type !== 'run-started') return null
  const { trials, plannedTurns } = foldTotals(state, event.at)
  const { kept } = state
  const counts = trials === 0 ? '' : `, ${countOf(trials, 'trial')}, ${countOf(plannedTurns, 'turn')}`
  return `run ${state.name ?? ''}`
    .trimEnd()
    .concat(` started${counts}${kept.trials === 0 ? '' : `; ${kept.trials} stand from before`}`)
}

function describeTrial(state: LiveState, event: RunEvent): string | null {
  const trial = trialOf(state, event.trialId)
  if (trial === null) return null
  const data = readObject(event.data)
  const where = `${trial.name}  turn ${trial.turn ?? '?'}`
  switch (event.type) {
    case 'trial-started':
      return `${trial.name}  started, ${countOf(turnsOf(trial), 'turn')}`
    case 'trial-continued':
      return `${trial.name}  resumed after turn ${readNumber(data['turn']) ?? '?'}`
    case 'attempt-verified': {
      const tests = trial.tests === null ? '' : `, ${trial.tests.passed}/${trial.tests.total} tests`
      const verdict = data['passed'] === true ? 'passed' : 'failed'
      return `${where} attempt ${trial.attempt ?? '?'}  ${verdict}${tests}, ${writeDuration(event.at - trial.attemptStartedAt)}`
    }
    case 'turn-ended': {
      // Its last verification has said so.
      const end = readText(data['state'])
      return end === 'passed' || end === 'failed' ? null : `${where}  ${end ?? 'ended'}`
    }
    case 'trial-ended':
      return describeEnd(trial)
    default:
      return null
  }
}

function describeEnd(trial: LiveTrial): string {
  const { figures, outcome, reason } = trial
  const passed = listDone(trial).filter(state => state === 'passed').length
  const cost = figures === null ? null : writeCost(figures)
  const spent =
    figures === null || figures.calls === 0
      ? []
      : [countOf(figures.calls, 'call'), writeInput(figures), `${shortenCount(figures.tokens.output)} out`]
  const facts = [
    `${outcome}, ${passed} of ${countOf(turnsOf(trial), 'turn')} passed`,
    ...spent,
    ...(cost === null ? [] : [cost]),
    writeDuration((trial.endedAt ?? trial.startedAt) - trial.startedAt),
  ]
  return `${trial.name}  ${facts.join(', ')}${reason === null ? '' : `: ${reason}`}`
}

/** The state after an event, and what to say of it. */
export function tellEvent(state: LiveState, event: RunEvent): { readonly state: LiveState; readonly told: string | null } {
  const next = applyInput(state, { event })
  return { state: next, told: describeEvent(next, event) }
}
