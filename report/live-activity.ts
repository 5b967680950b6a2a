// What a trial is doing at this moment, and in which words it is said. Pure; times are turned into words when they are shown.

import type { EpochMs, JsonObject, RunEvent } from '../core/types.ts'
import { readNumber, readText } from './event-data.ts'
import { writeDuration } from './live-words.ts'
import { cleanText } from './words.ts'

export type ActivityKind =
  | 'starting'
  | 'preparing'
  | 'working'
  | 'verifying'
  | 'judged'
  | 'between'
  | 'repairing'
  | 'retrying'
  | 'held'
  | 'ended'

export interface Activity {
  readonly kind: ActivityKind
  readonly since: EpochMs
  readonly detail: string | null
  /** When a pause is over; null = it is no pause. */
  readonly until: EpochMs | null
}

export function nextActivity(before: Activity, { type, at }: RunEvent, data: JsonObject): Activity {
  const begin = (kind: ActivityKind, detail: string | null = null, pauseMs: number | null = null): Activity => ({
    kind,
    since: at,
    detail,
    until: pauseMs === null ? null : at + Math.max(0, pauseMs),
  })
  switch (type) {
    case 'trial-started':
      return begin('starting')
    case 'environment-opened':
    case 'trial-continued':
    case 'trial-forked':
      return begin('preparing')
    case 'attempt-started':
      return begin('working')
    case 'agent-ended':
      return begin('verifying')
    case 'attempt-verified':
      return begin('judged', data['passed'] === true ? 'passed' : 'failed')
    case 'turn-ended':
      return begin('between', readText(data['state']))
    case 'environment-retried':
      return begin('repairing', `${readNumber(data['retry']) ?? ''}`)
    case 'trial-retried':
      return begin(
        'retrying',
        `${readNumber(data['retry']) ?? '?'}/${readNumber(data['retriesMax']) ?? '?'}`,
        readNumber(data['pauseMs']),
      )
    case 'trial-held':
      return begin('held', null, readNumber(data['ms']))
    case 'trial-ended':
      return begin('ended', readText(data['outcome']))
    default:
      return before
  }
}

/** What of a trial the words are made from. */
export interface Doing {
  readonly activity: Activity
  readonly turn: number | null
  readonly callSince: EpochMs | null
  readonly heldBy: string | null
  readonly resumedAfter: number | null
}

/** `agent working 12s`, `waiting for anthropic 3s`; `brief` for narrow screens. */
export function describeActivity(doing: Doing, now: EpochMs, brief: boolean): string {
  const { activity, resumedAfter } = doing
  const [long, short] = activity.kind === 'working' ? wordsOfWork(doing, now) : wordsOf(doing, now)
  const said = cleanText(brief ? short : long)
  return resumedAfter === null || brief ? said : `${said}, resumed after turn ${resumedAfter}`
}

type Words = readonly [long: string, short: string]

/** While an agent works, the model is what one waits for: which of both it is, is told. */
function wordsOfWork({ activity, callSince, heldBy }: Doing, now: EpochMs): Words {
  const both = (long: string, short: string, since: EpochMs): Words => {
    const time = writeDuration(now - since)
    return [`${long} ${time}`, `${short} ${time}`]
  }
  if (callSince === null) return both('agent working', 'agent', activity.since)
  return heldBy === null
    ? both('model answering', 'model', callSince)
    : [`waiting ${writeDuration(now - callSince)} for ${heldBy}`, `wait ${writeDuration(now - callSince)}`]
}

function wordsOf({ activity, turn }: Doing, now: EpochMs): Words {
  const { kind, detail, until } = activity
  const since = writeDuration(now - activity.since)
  const left = until === null || until <= now ? '' : ` ${writeDuration(until - now)}`
  switch (kind) {
    case 'starting':
      return [`starting environment ${since}`, `starting ${since}`]
    case 'preparing':
      return [`preparing ${since}`, `preparing ${since}`]
    case 'verifying':
      return [`verifying ${since}`, `verify ${since}`]
    case 'judged':
      return [`attempt ${detail}`, `${detail}`]
    case 'between':
      return [`turn ${turn ?? '?'} ${detail ?? 'over'}`, detail ?? 'next turn']
    case 'repairing':
      return [`environment failed, retry ${detail}`, 'repairing']
    case 'retrying':
      return [`retry ${detail}${left && ` in${left}`}`, `retry${left}`]
    case 'held':
      return [`waiting for provider${left}`, `wait${left}`]
    case 'ended':
    case 'working':
      return [detail ?? 'ended', detail ?? 'ended']
  }
}
