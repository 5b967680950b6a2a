// The calls of a lane as spans, those that generated and those that failed. A call's input holds what is new since the call before it: the
// whole history of each would grow with the square of their number.

import type { EpochMs } from '../../core/types.ts'
import { sumPrompt, sumWritten } from '../../core/usage.ts'
import type { ScopeInfo } from '../sources/source.ts'
import type { FailedCall, Generation, Trajectory, TrajectoryStep } from '../trajectory.ts'
import { writeAnswer, writeMessage } from './_otel-messages.ts'
import { names, operations } from './_otel-names.ts'
import { type Attributes, deriveId, type Span, whole } from './_otel-wire.ts'

/** What the spans of one lane have in common. */
export interface Lane {
  readonly trajectory: Trajectory
  readonly scope: ScopeInfo
  readonly spanId: string
  readonly common: Attributes
}

export function nameCallSpan(scope: ScopeInfo, callId: string): string {
  return deriveId(8, 'call', scope.id, callId)
}

interface Input {
  readonly fresh: readonly TrajectoryStep[]
  readonly before: Generation | null
}

export function writeCallSpan(lane: Lane, { message }: TrajectoryStep, generation: Generation, { fresh, before }: Input): Span {
  const { scope, trajectory } = lane
  const { model } = generation
  return {
    spanId: nameCallSpan(scope, generation.callId),
    parentId: lane.spanId,
    name: model === null ? operations.call : `${operations.call} ${model}`,
    kind: 3,
    startedAt: generation.startedAt,
    endedAt: generation.endedAt ?? generation.startedAt,
    attributes: {
      [names.operation]: operations.call,
      ...lane.common,
      [names.responseId]: generation.answerId,
      [names.responseModel]: model,
      [names.maxTokens]: whole(trajectory.maxTokens),
      [names.finishReasons]: generation.stopReason === null ? undefined : [generation.stopReason],
      ...writeUsage(generation),
      [names.input]: JSON.stringify(fresh.flatMap(step => writeMessage(step.message))),
      [names.output]: JSON.stringify([writeAnswer(message, generation)]),
      [names.error]: generation.partial ? 'incomplete' : undefined,
      'turnpike.generation': true,
      'turnpike.call.id': generation.callId,
      'turnpike.turn': whole(generation.turn),
      'turnpike.attempt': whole(generation.attempt),
      'turnpike.partial': generation.partial ? true : undefined,
      'turnpike.unresolved_retry': generation.unresolvedRetry ? true : undefined,
      'turnpike.logged_times': generation.loggedTimes === 1 ? undefined : whole(generation.loggedTimes),
      'turnpike.times': generation.endedAt === null ? 'when it ended is not known' : undefined,
      'turnpike.input.since_call': before?.callId,
    },
    error: generation.partial ? 'the answer was cut' : null,
  }
}

function writeUsage({ usage, costNanoUsd }: Pick<Generation, 'usage' | 'costNanoUsd'>): Attributes {
  return {
    [names.inputTokens]: whole(sumPrompt(usage)),
    [names.outputTokens]: whole(usage?.output),
    [names.cacheRead]: whole(usage?.cachedRead),
    [names.cacheWrite]: whole(sumWritten(usage)),
    [names.reasoning]: whole(usage?.reasoning),
    'turnpike.cost.nano_usd': whole(costNanoUsd),
  }
}

/** `lane` null: a call of no lane. */
export function writeFailedSpan(lane: Pick<Lane, 'scope' | 'spanId' | 'common'>, call: FailedCall, unknownAt: EpochMs): Span {
  const { model = null, error = null, status = null } = call
  const type = error?.type ?? (status === null ? '_OTHER' : String(status))
  return {
    spanId: nameCallSpan(lane.scope, call.callId),
    parentId: lane.spanId,
    name: model === null ? operations.call : `${operations.call} ${model}`,
    kind: 3,
    startedAt: call.startedAt ?? unknownAt,
    endedAt: call.endedAt ?? call.startedAt ?? unknownAt,
    attributes: {
      [names.operation]: operations.call,
      ...lane.common,
      [names.requestModel]: model,
      ...writeUsage(call),
      [names.error]: type,
      [names.status]: whole(status),
      'turnpike.generation': false,
      'turnpike.call.id': call.callId,
      'turnpike.times': call.startedAt === undefined ? 'not known' : undefined,
    },
    error: error === null || error.message === '' ? type : error.message,
  }
}
