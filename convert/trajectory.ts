// A trajectory: one lane (or one call) as a conversation, with every assistant message marked as generated here or only context.
// What formats write; pure data, built from lanes, the same for the same calls in any order.

import type { Block, EpochMs, Json, Message, ToolDefinition, Usage } from '../core/types.ts'
import type { Lane, LaneStep } from './lanes.ts'
import type { CallTree, Link, TreeCall } from './tree.ts'

export type Policy = 'readable' | 'calls'
export const policies: readonly Policy[] = ['readable', 'calls']

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
  /** The answer was cut: what arrived is kept, and marked. */
  readonly partial: boolean
}

export interface TrajectoryStep {
  readonly message: Message
  /** Set on the one place where this generation is exported; null = context. */
  readonly generation: Generation | null
}

/** The client changed what had been said before: the blocks as the later request has them. */
export interface ContextEdit {
  readonly callId: string
  /** The step before which the change took effect. */
  readonly step: number
  readonly blocks: readonly Block[]
}

export interface Trajectory {
  readonly id: string
  readonly scope: { readonly kind: 'trial' | 'session'; readonly id: string; readonly name: string }
  readonly kind: 'root' | 'fork' | 'alternative' | 'call'
  /** Call that this one branches off, and how that is known. */
  readonly parent: { readonly callId: string; readonly link: Link['kind'] } | null
  readonly protocol: string
  readonly model: string | null
  readonly maxTokens: number | null
  readonly metadata: Json
  /** Leading system text and tools of the last call; they may change on the way. */
  readonly system: readonly Block[]
  readonly tools: readonly ToolDefinition[]
  readonly preambleChanges: number
  readonly steps: readonly TrajectoryStep[]
  readonly edits: readonly ContextEdit[]
  /** Calls that generated nothing (errors, cuts before the first word) and their usage, if any. */
  readonly failed: ReadonlyArray<{ readonly callId: string; readonly usage: Usage | null }>
}

export function buildTrajectories(
  tree: CallTree,
  lanes: readonly Lane[],
  scope: Trajectory['scope'],
  policy: Policy,
): Trajectory[] {
  const build = createBuilder(tree, scope)
  if (policy === 'calls')
    return lanes.flatMap(lane => {
      const calls = lane.steps.flatMap(step => [step.call, ...step.alternatives])
      return calls.map((call, index) => build('call', [{ call, alternatives: [] }], index === 0 ? lane.failed : []))
    })
  return lanes.flatMap(lane => [
    build(lane.kind, lane.steps, lane.failed),
    ...lane.steps.flatMap(step => step.alternatives.map(call => build('alternative', [{ call, alternatives: [] }], []))),
  ])
}

function createBuilder(tree: CallTree, scope: Trajectory['scope']) {
  const { scope: loaded, calls } = tree

  /** The messages of a request from one position on, without what is only identity. */
  const readMessages = (call: TreeCall, from: number): Message[] => {
    const { blocks, messages } = call.call.request
    const read: Array<{ role: Message['role']; blocks: Block[] }> = []
    let number = -1
    for (let position = from; position < blocks.length; position += 1) {
      const stored = loaded.table.read(blocks[position] ?? -1)
      if (messages[position] !== number) read.push({ role: stored.role, blocks: [] })
      number = messages[position] ?? -1
      read.at(-1)?.blocks.push(stored.block)
    }
    return read
  }

  /** Everything the model saw. A request that only points at an earlier answer is expanded through it. */
  const readContext = (call: TreeCall): Message[] => {
    const chain: TreeCall[] = []
    for (
      let at: TreeCall | undefined = call;
      at !== undefined;
      at = at.link.parent === null ? undefined : calls[at.link.parent]
    ) {
      chain.push(at)
      if (at.link.kind !== 'declared') break
    }
    return chain.reverse().flatMap((at, index) => {
      const answer = index < chain.length - 1 ? at.call.answerMessage : null
      return [...readMessages(at, 0), ...(answer === null ? [] : [answer])]
    })
  }

  const readEdit = (call: TreeCall, step: number): ContextEdit => ({
    callId: call.call.id,
    step,
    blocks: call.link.edits.map(position => loaded.table.read(call.call.request.blocks[position] ?? -1).block),
  })

  const readParent = (first: TreeCall | undefined): Trajectory['parent'] => {
    const parent = first === undefined || first.link.parent === null ? undefined : calls[first.link.parent]
    return first === undefined || parent === undefined ? null : { callId: parent.call.id, link: first.link.kind }
  }

  return (kind: Trajectory['kind'], laneSteps: readonly LaneStep[], failed: readonly TreeCall[]): Trajectory => {
    const steps: TrajectoryStep[] = []
    const edits: ContextEdit[] = []
    let preambleChanges = 0
    let before: TreeCall | undefined
    for (const { call } of laneSteps) {
      if (before !== undefined && before.call.preamble !== call.call.preamble) preambleChanges += 1
      if (before !== undefined && call.link.edits.length > 0) edits.push(readEdit(call, steps.length))
      const fresh = before === undefined ? readContext(call) : readMessages(call, call.link.known)
      steps.push(...fresh.map(message => ({ message, generation: null })), writeGeneration(call))
      before = call
    }
    const first = laneSteps[0]?.call
    return {
      ...readHead(tree, laneSteps.at(-1)?.call),
      id: first?.call.id ?? '',
      scope,
      kind,
      parent: readParent(first),
      preambleChanges,
      steps,
      edits,
      failed: failed.map(({ call }) => ({ callId: call.id, usage: call.usage })),
    }
  }
}

/** The latest of what may change from call to call. */
function readHead({ scope }: CallTree, last: TreeCall | undefined) {
  const preamble = scope.preambles[last?.call.preamble ?? -1]
  return {
    protocol: last?.call.protocol ?? '',
    model: last?.call.model ?? null,
    maxTokens: last?.call.maxTokens ?? null,
    metadata: last?.call.metadata ?? null,
    system: preamble?.system ?? [],
    tools: preamble?.tools ?? [],
  }
}

function writeGeneration({ call }: TreeCall): TrajectoryStep {
  return {
    message: call.answerMessage ?? { role: 'assistant', blocks: [] },
    generation: {
      callId: call.id,
      turn: call.turn,
      attempt: call.attempt,
      model: call.model,
      startedAt: call.startedAt,
      endedAt: call.endedAt,
      stopReason: call.stopReason,
      usage: call.usage,
      partial: !call.complete,
    },
  }
}
