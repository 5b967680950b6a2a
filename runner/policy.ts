// The rules of a run that every trial follows, and the words for them. Plain data; no behaviour.

import type { FeedbackLevel } from './feedback.ts'

export const failurePolicies = ['continue', 'stop', 'reset-to-reference', 'rollback'] as const
export type FailurePolicy = (typeof failurePolicies)[number]

export interface Policy {
  /** Tries at a turn, 1 or more. */
  readonly attempts: number
  readonly feedback: FeedbackLevel
  /** What happens to the workspace and to the later turns when a turn has failed for good. */
  readonly onFailure: FailurePolicy
  /** A new conversation for each turn instead of one per trial. */
  readonly freshSession: boolean
  /** First and last turn that are played, 1-based; earlier ones are done by the reference solution. */
  readonly fromTurn: number
  readonly toTurn: number | null
  /** For turns that name no limit of their own. */
  readonly agentTimeoutMs: number
  /** Harbor's own behaviour where ours differs by default; docs/harbor.md lists it. Absent = ours. */
  readonly harborCompat?: boolean
}
