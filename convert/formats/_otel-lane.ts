// One trajectory as spans: the lane, its calls (_otel-calls.ts), and the tools between them. Tools ran unseen, so their times are inferred
// and say so.

import type { Block, EpochMs, JsonObject } from '../../core/types.ts'
import type { ScopeInfo } from '../source.ts'
import type { Generation, Trajectory, TrajectoryStep } from '../trajectory.ts'
import { type Lane, nameCallSpan, writeCallSpan, writeFailedSpan } from './_otel-calls.ts'
import { writeMessage, writePart, writeResult, writeTool } from './_otel-messages.ts'
import { nameProvider, names, operations } from './_otel-names.ts'
import { deriveId, type Span, type SpanEvent, type SpanLink } from './_otel-wire.ts'

type ToolCall = Extract<Block, { kind: 'tool-call' }>
type ToolResult = Extract<Block, { kind: 'tool-result' }>

export function nameScopeSpan(scope: ScopeInfo): string {
  return deriveId(8, 'scope', scope.kind, scope.id)
}

function nameToolSpan(scope: ScopeInfo, callId: string, toolCallId: string, repeat = 0): string {
  return deriveId(8, 'tool', scope.id, callId, toolCallId, String(repeat))
}

/** A tool call whose result has not been seen. */
interface OpenTool {
  readonly call: ToolCall
  readonly spanId: string
  readonly startedAt: EpochMs
  result: ToolResult | null
}

/** The lane's own span comes last: its times are those of what it holds. `known`: ids of the tools' spans of the lanes before it. */
export function* writeLane(trajectory: Trajectory, scope: ScopeInfo, known: ReadonlySet<string>): Generator<Span> {
  const lane: Lane = {
    trajectory,
    scope,
    spanId: deriveId(8, 'lane', scope.id, trajectory.id),
    common: {
      [names.provider]: nameProvider(trajectory.protocol),
      [names.conversation]: scope.id,
      'turnpike.trajectory.id': trajectory.id,
    },
  }
  let fresh: TrajectoryStep[] = []
  let open: OpenTool[] = []
  let before: Generation | null = null
  for (const step of trajectory.steps) {
    const { generation, message } = step
    if (generation === null) {
      fresh.push(step)
      for (const block of message.blocks) if (block.kind === 'tool-result') answer(open, block)
      continue
    }
    for (const tool of open) yield writeToolSpan(lane, tool, generation.startedAt)
    yield writeCallSpan(lane, step, generation, { fresh, before })
    open = openTools(lane, step, generation)
    fresh = []
    before = generation
  }
  for (const tool of open) yield writeToolSpan(lane, tool, null)
  const times = listTimes(trajectory)
  for (const call of trajectory.failed) yield writeFailedSpan(lane, call, times[0] ?? 0)
  yield writeLaneSpan(lane, { trailing: fresh, times, known })
}

function answer(open: readonly OpenTool[], result: ToolResult): void {
  const tool = open.find(({ call, result: known }) => call.id === result.callId && known === null)
  if (tool !== undefined) tool.result = result
}

function openTools({ scope }: Lane, { message }: TrajectoryStep, generation: Generation): OpenTool[] {
  const seen = new Map<string, number>()
  return message.blocks.flatMap(block => {
    if (block.kind !== 'tool-call') return []
    const repeat = seen.get(block.id) ?? 0
    seen.set(block.id, repeat + 1)
    const spanId = nameToolSpan(scope, generation.callId, block.id, repeat)
    return [{ call: block, spanId, startedAt: generation.endedAt ?? generation.startedAt, result: null }]
  })
}

function writeToolSpan(lane: Lane, { call, spanId, startedAt, result }: OpenTool, nextAt: EpochMs | null): Span {
  const response = result === null ? undefined : writeResult(result.content)
  const isAnswered = result !== null && nextAt !== null
  return {
    spanId,
    parentId: lane.spanId,
    name: `${operations.tool} ${call.name}`,
    kind: 1,
    startedAt,
    endedAt: isAnswered ? nextAt : startedAt,
    attributes: {
      [names.operation]: operations.tool,
      ...lane.common,
      [names.toolName]: call.name,
      [names.toolCallId]: call.id,
      [names.toolType]: 'function',
      [names.toolArguments]: call.inputText,
      [names.toolResult]: response === undefined ? undefined : typeof response === 'string' ? response : JSON.stringify(response),
      [names.error]: result?.isError === true ? '_OTHER' : undefined,
      'turnpike.times': isAnswered
        ? 'inferred: from the end of the answer that asked to the start of the next request'
        : 'inferred: the start is the end of the answer that asked; when it ended is not known',
      'turnpike.tool.answered': result !== null,
    },
    error: result?.isError === true ? 'the tool reported an error' : null,
  }
}

/** From the first to the last moment of a lane that is known. */
function listTimes({ steps, failed }: Trajectory): EpochMs[] {
  const generations = steps.flatMap(step => (step.generation === null ? [] : [step.generation]))
  const times = [...generations, ...failed].flatMap(({ startedAt, endedAt }) => [startedAt ?? null, endedAt ?? null])
  return times.filter(time => time !== null).sort((a, b) => a - b)
}

interface LaneEnd {
  readonly trailing: readonly TrajectoryStep[]
  readonly times: readonly EpochMs[]
  readonly known: ReadonlySet<string>
}

function writeLaneSpan(lane: Lane, { trailing, times, known }: LaneEnd): Span {
  const { trajectory, scope } = lane
  const { parent, system, tools } = trajectory
  const spawner = parent?.relation === 'subagent' && parent.via !== null ? nameToolSpan(scope, parent.callId, parent.via) : null
  const agent = scope.agent?.name
  const links: SpanLink[] =
    parent === null
      ? []
      : [
          {
            spanId: nameCallSpan(scope, parent.callId),
            attributes: { 'turnpike.relation': parent.relation, 'turnpike.link': parent.link },
          },
        ]
  return {
    spanId: lane.spanId,
    // A tool call that nobody recorded is no span to hang under.
    parentId: spawner !== null && known.has(spawner) ? spawner : nameScopeSpan(scope),
    name: agent === undefined ? operations.lane : `${operations.lane} ${agent}`,
    kind: 1,
    startedAt: times[0] ?? 0,
    endedAt: times.at(-1) ?? 0,
    attributes: {
      [names.operation]: operations.lane,
      ...lane.common,
      [names.agentId]: trajectory.lane,
      [names.agentName]: agent,
      [names.agentVersion]: scope.agent?.version,
      [names.responseModel]: trajectory.model,
      [names.instructions]: system.length === 0 ? undefined : JSON.stringify(system.map(writePart)),
      [names.tools]: tools.length === 0 ? undefined : JSON.stringify(tools.map(writeTool)),
      'turnpike.kind': trajectory.kind,
      'turnpike.policy': trajectory.policy,
      'turnpike.side': trajectory.side,
      'turnpike.break_reason': trajectory.breakReason,
      'turnpike.approximate': trajectory.approximate ? true : undefined,
      // Said after the last answer: no call's input holds it.
      'turnpike.trailing.messages':
        trailing.length === 0 ? undefined : JSON.stringify(trailing.flatMap(step => writeMessage(step.message))),
    },
    events: listChanges(trajectory),
    links,
    error: null,
  }
}

/** Where the context changed otherwise than by growing. */
function listChanges({ boundaries, steps }: Trajectory): SpanEvent[] {
  if (boundaries.length === 0) return []
  const starts = new Map(
    steps.flatMap(({ generation }) => (generation === null ? [] : [[generation.callId, generation.startedAt]])),
  )
  return boundaries.map(({ callId, type, boundary, edits, preamble }) => ({
    at: starts.get(callId) ?? 0,
    name: 'turnpike.context_changed',
    attributes: {
      'turnpike.call.id': callId,
      'turnpike.change.type': type,
      'turnpike.change.boundary': boundary,
      'turnpike.change.edits':
        edits.length === 0
          ? undefined
          : JSON.stringify(edits.map(({ kind, block }): JsonObject => ({ kind, part: block && writePart(block) }))),
      [names.instructions]: preamble === null ? undefined : JSON.stringify(preamble.system.map(writePart)),
      [names.tools]: preamble === null ? undefined : JSON.stringify(preamble.tools.map(writeTool)),
    },
  }))
}
