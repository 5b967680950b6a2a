// One scope's calls, loaded for the tree: every request is a node of one history, and only what an earlier call did not send costs
// anything. The order of the calls does not depend on how they were recorded.

import { assert } from '../core/errors.ts'
import type { Block, Call, Conversation, EpochMs, Json, Message, ToolDefinition, Usage } from '../core/types.ts'
import { type BlockTable, createBlockTable, namePreamble } from './blocks.ts'
import { isGeneration, readError } from './decode.ts'
import { createHistory, type History } from './history.ts'
import { type CallMarks, readMarks } from './marks.ts'
import type { SourceCall, SourceScope } from './source.ts'
import { type CallTokens, createTokenTable, type TokenTable } from './token-table.ts'
import { readVisibility, type Visibility } from './visibility.ts'

export interface Preamble {
  readonly system: Conversation['system']
  readonly tools: readonly ToolDefinition[]
}

export interface LoadedCall {
  readonly id: string
  readonly startedAt: EpochMs
  readonly endedAt: EpochMs | null
  readonly turn: number | null
  readonly attempt: number | null
  readonly protocol: string
  readonly model: string | null
  readonly maxTokens: number | null
  readonly metadata: Json
  readonly marks: CallMarks
  /** Index into the scope's preambles. */
  readonly preamble: number
  /** History node of the request as it crossed the wire; TreeCall.request has also what it only points at. */
  readonly request: number
  /** History node after the answer; null when nothing was generated. */
  readonly answer: number | null
  readonly answerMessage: Message | null
  readonly complete: boolean
  readonly stopReason: string | null
  readonly answerId: string | null
  /** The answer this request says it continues. */
  readonly previousAnswerId: string | null
  readonly usage: Usage | null
  readonly costNanoUsd: number | null
  /** Whether the model saw what the request holds. */
  readonly visibility: Visibility
  /** Null: the answer came without ids. */
  readonly tokens: CallTokens | null
  /** Of HTTP; null when no answer came. */
  readonly status: number | null
  /** What the provider said, else what the wire did. */
  readonly error: Call['error']
}

export interface LoadedScope {
  readonly table: BlockTable
  readonly tokens: TokenTable
  readonly history: History
  readonly preambles: readonly Preamble[]
  /** By request time, then id: a total order that is the same however the records came. */
  readonly calls: readonly LoadedCall[]
  readonly undecodable: number
}

export async function loadSource(source: SourceScope): Promise<LoadedScope> {
  const loader = createLoader()
  let undecodable = 0
  for await (const call of source.calls())
    if ('reason' in call) undecodable += 1
    else loader.add(call)
  return { ...loader.finish(), undecodable }
}

/** Where the messages of a request ended: those before `first` are found with the call they were sent in. */
interface Ends {
  readonly before: Ends | null
  readonly first: number
  /** History node where these messages begin, then the node after each. */
  readonly nodes: readonly number[]
}

export interface Loader {
  /** Gives back the call; null when a call of that id is here already, which changes nothing. */
  readonly add: (call: SourceCall) => LoadedCall | null
  readonly finish: () => Omit<LoadedScope, 'undecodable'>
  /** Nodes of the history so far. */
  readonly size: () => number
}

export function createLoader(): Loader {
  const table = createBlockTable()
  const history = createHistory(table)
  const preambles = createPreambles()
  const tokens = createTokenTable()
  const calls: LoadedCall[] = []
  const ends = new Map<string, Ends>()

  const addRequest = ({ exchange, conversation, continues }: SourceCall): number => {
    const before = continues === null ? null : (ends.get(continues.callId) ?? null)
    assert(continues === null || before !== null, `call ${continues?.callId} is given before what continues it`)
    const first = continues?.messages ?? 0
    let node = before === null ? 0 : findEnd(before, first)
    const nodes = [node]
    for (const message of conversation.messages) {
      node = history.addMessage(node, message.role, message.blocks)
      nodes.push(node)
    }
    ends.set(exchange.id, { before, first, nodes })
    return node
  }

  return {
    add: source => {
      const { exchange, conversation, answer, costNanoUsd } = source
      if (ends.has(exchange.id)) return null
      const request = addRequest(source)
      const generated = isGeneration(answer) ? answer.message : null
      const previous = conversation.extra['previous_response_id']
      const call: LoadedCall = {
        id: exchange.id,
        startedAt: exchange.startedAt,
        endedAt: exchange.endedAt,
        turn: exchange.turn,
        attempt: exchange.attempt,
        protocol: exchange.protocol ?? '',
        model: answer?.model ?? conversation.model,
        maxTokens: conversation.maxTokens,
        metadata: conversation.extra['metadata'] ?? null,
        marks: readMarks(exchange, conversation),
        preamble: preambles.add(conversation, exchange),
        request,
        answer: generated === null ? null : history.addMessage(request, 'assistant', generated.blocks),
        answerMessage: generated,
        complete: answer?.complete ?? false,
        stopReason: answer?.stopReason ?? null,
        answerId: answer?.id ?? null,
        previousAnswerId: typeof previous === 'string' ? previous : null,
        usage: answer?.usage ?? null,
        costNanoUsd,
        visibility: readVisibility(conversation, answer),
        tokens: generated === null || answer === null ? null : tokens.addAnswer(answer),
        status: exchange.status,
        error: readError(source),
      }
      calls.push(call)
      return call
    },
    finish: () => ({ table, tokens, history, preambles: preambles.list(), calls: [...calls].sort(compareCalls) }),
    size: history.size,
  }
}

export function compareCalls(a: Pick<LoadedCall, 'startedAt' | 'id'>, b: Pick<LoadedCall, 'startedAt' | 'id'>): number {
  return a.startedAt - b.startedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

function findEnd(ends: Ends, messages: number): number {
  let at: Ends = ends
  while (messages < at.first && at.before !== null) at = at.before
  const node = at.nodes[messages - at.first]
  assert(node !== undefined, `an earlier call has ${messages} messages`)
  return node
}

/** Versions of system text and tools; of those that differ in spelling only, the one of the earliest call is shown. */
function createPreambles() {
  const versions: Array<{ readonly preamble: Preamble; readonly startedAt: EpochMs; readonly id: string }> = []
  const byName = new Map<string, number>()
  /** A source that shares its objects is not asked to write them out again. */
  const bySystem = new WeakMap<readonly Block[], WeakMap<readonly ToolDefinition[], string>>()

  const findName = ({ system, tools }: Conversation): string => {
    const byTools = bySystem.get(system) ?? new WeakMap<readonly ToolDefinition[], string>()
    bySystem.set(system, byTools)
    const name = byTools.get(tools) ?? namePreamble({ system, tools })
    byTools.set(tools, name)
    return name
  }

  return {
    add: (conversation: Conversation, call: { readonly startedAt: EpochMs; readonly id: string }): number => {
      const name = findName(conversation)
      const known = byName.get(name)
      const version = {
        preamble: { system: conversation.system, tools: conversation.tools },
        startedAt: call.startedAt,
        id: call.id,
      }
      if (known === undefined) {
        byName.set(name, versions.length)
        return versions.push(version) - 1
      }
      const before = versions[known]
      if (before !== undefined && compareCalls(version, before) < 0) versions[known] = version
      return known
    },
    list: (): Preamble[] => versions.map(version => version.preamble),
  }
}
