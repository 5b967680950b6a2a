// A trajectory: calls joined to one conversation by a policy, with every assistant message marked as generated here or only context.
// What policies build and formats write; data only. The shapes are documented for readers in docs/convert.md.

import type { Block, EpochMs, Json, Message, ToolDefinition, Usage } from '../core/types.ts'
import type { EditKind, Link, SideKind } from './link.ts'
import type { ScopeInfo } from './source.ts'

export type PolicyId = 'readable' | 'exact' | 'tolerant' | 'calls' | 'tree' | 'tokens'

/** The call that generated a message. */
export interface Generation {
  readonly callId: string
  readonly turn: number | null
  readonly attempt: number | null
  readonly model: string | null
  readonly startedAt: EpochMs
  readonly endedAt: EpochMs | null
  readonly stopReason: string | null
  readonly usage: Usage | null
  readonly costNanoUsd: number | null
  /** The answer was cut: what arrived is kept, and marked. */
  readonly partial: boolean
  /** Several answers to one request and none was continued: which of them the client used is not known. */
  readonly unresolvedRetry: boolean
  readonly loggedTimes: number
}

/** A call that generated nothing: an error, or a cut before the first word. Absent members are not known to who built it. */
export interface FailedCall {
  readonly callId: string
  readonly usage: Usage | null
  readonly costNanoUsd: number | null
  readonly startedAt?: EpochMs
  readonly endedAt?: EpochMs | null
  readonly model?: string | null
  /** Of HTTP; null when no answer came. */
  readonly status?: number | null
  readonly error?: { readonly type: string; readonly message: string } | null
}

/** Ids and log probabilities as the provider gave them; never made by tokenising again. */
export interface StepTokens {
  readonly ids: readonly number[]
  /** One per id, null where the provider gave none; null = not given at all. */
  readonly logprobs: ReadonlyArray<number | null> | null
}

export interface TrajectoryStep {
  readonly message: Message
  /** Set on the one place where this generation is exported; null = context. */
  readonly generation: Generation | null
  /** Said in the parent's trajectory already and repeated here only as context. */
  readonly copied: boolean
  /** Only under the policy `tokens`; a context step holds what stands between two generations. */
  readonly tokens: StepTokens | null
}

/** The context changed between two steps in another way than by growing. */
export interface Boundary {
  /** The first call that saw the change. */
  readonly callId: string
  /** Index of the step before which it took effect. */
  readonly step: number
  readonly type: 'compaction' | 'edit' | 'preamble'
  /** What happened to the context before it: `replace` (a summary stands for it), `truncate` (parts are gone), `append` (parts are changed or new). */
  readonly boundary: 'replace' | 'append' | 'truncate'
  /** Of an edit: what changed, with the blocks as the later request has them (none for what is gone). */
  readonly edits: ReadonlyArray<{ readonly kind: EditKind; readonly block: Block | null }>
  /** Of a changed preamble: system text and tools from here on. */
  readonly preamble: { readonly system: readonly Block[]; readonly tools: readonly ToolDefinition[] } | null
  /** How many steps from `step` on say what the context became (a summary, a changed text), before what is new; absent = none. */
  readonly shows?: number
}

/**
 * `root`, `fork`, `subagent`, `side`: lanes by how they begin. `alternative`: an answer beside the one that was continued. `segment`: a part
 * of a lane (exact, tolerant, tokens) behind a break; the part before the first break has the lane's own kind. `call`: one call. `node`: an
 * unbranched part of the tree, without what its parent holds (tree).
 */
export type TrajectoryKind = 'root' | 'fork' | 'subagent' | 'side' | 'alternative' | 'segment' | 'call' | 'node'

export interface TrajectoryParent {
  /** The call this one branches off, continues or works for. */
  readonly callId: string
  readonly relation: Link['relation'] | 'alternative'
  readonly link: Link['kind']
  /** The parent's tool call that a sub-agent's lane works for. */
  readonly via: string | null
  /**
   * Only `tree`: this part stands behind the first `steps` steps of that trajectory and of all that it stands behind itself. Absent: nothing
   * stands before it.
   */
  readonly continuesAt?: { readonly trajectoryId: string; readonly steps: number }
}

export interface Trajectory {
  /**
   * Id of the first call that generated in it: the same for the same calls under every policy that begins a row there. Only `tree` has
   * parts without a generation (what several answers share): `<call that first saw it>@<steps before it>`.
   */
  readonly id: string
  readonly policy: PolicyId
  readonly kind: TrajectoryKind
  readonly side: SideKind | null
  /** Id of the first call of the lane it is a part of. */
  readonly lane: string
  readonly parent: TrajectoryParent | null
  readonly protocol: string
  readonly model: string | null
  readonly maxTokens: number | null
  readonly metadata: Json
  /** Leading system text and tools of its last call; `boundaries` tell where they changed. */
  readonly system: readonly Block[]
  readonly tools: readonly ToolDefinition[]
  readonly steps: readonly TrajectoryStep[]
  readonly boundaries: readonly Boundary[]
  /**
   * Why the segment begins where it does: what the model saw is not what the segment before it ended with. Null: it begins its lane. A lane
   * begins with a reason where what its first call saw is not known: `history-not-visible`, `tokens-missing`.
   */
  readonly breakReason: BreakReason | null
  /** The model may have seen something slightly other than what stands here (trimmed text, default arguments): `tolerant` only. */
  readonly approximate: boolean
  /** Calls that generated nothing and belong to its lane. */
  readonly failed: readonly FailedCall[]
}

export type BreakReason =
  | 'edit'
  | 'compaction'
  | 'preamble-changed'
  | 'thinking-dropped'
  | 'answer-rewritten'
  | 'history-not-visible'
  | 'tokens-missing'
  | 'tokens-not-contiguous'

/** All trajectories of one scope under one policy: what a format writes at once. */
export interface TrajectorySet {
  readonly scope: ScopeInfo
  readonly policy: PolicyId
  readonly trajectories: Iterable<Trajectory>
  /** Calls that generated nothing and belong to no lane. Absent: none. */
  readonly stray?: readonly FailedCall[]
}
