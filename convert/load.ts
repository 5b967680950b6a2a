// One scope's calls, loaded for the tree: every request and answer as references into one block table, in an order that does not
// depend on how they were recorded.

import type { Call, Conversation, EpochMs, Json, Message, ToolDefinition, Usage } from '../core/types.ts'
import { type BlockList, type BlockTable, createBlockTable, namePreamble } from './blocks.ts'
import { isGeneration, readError } from './decode.ts'
import type { SourceCall, SourceScope } from './source.ts'

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
  /** Index into the scope's preambles. */
  readonly preamble: number
  readonly request: BlockList
  /** The answer's blocks; null when nothing was generated. */
  readonly answer: BlockList | null
  readonly answerMessage: Message | null
  readonly complete: boolean
  readonly stopReason: string | null
  readonly answerId: string | null
  /** The answer this request says it continues. */
  readonly previousAnswerId: string | null
  readonly usage: Usage | null
  readonly costNanoUsd: number | null
  /** Of HTTP; null when no answer came. */
  readonly status: number | null
  /** What the provider said, else what the wire did. */
  readonly error: Call['error']
}

export interface LoadedScope {
  readonly table: BlockTable
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

export function createLoader() {
  const table = createBlockTable()
  const preambles: Preamble[] = []
  const preambleByName = new Map<string, number>()
  const calls: LoadedCall[] = []

  const addPreamble = (conversation: Conversation): number => {
    const name = namePreamble(conversation)
    const known = preambleByName.get(name)
    if (known !== undefined) return known
    preambles.push({ system: conversation.system, tools: conversation.tools })
    preambleByName.set(name, preambles.length - 1)
    return preambles.length - 1
  }

  return {
    add: (call: SourceCall): void => {
      const { exchange, conversation, answer, costNanoUsd } = call
      const generated = isGeneration(answer) ? answer : null
      const previous = conversation.extra['previous_response_id']
      calls.push({
        id: exchange.id,
        startedAt: exchange.startedAt,
        endedAt: exchange.endedAt,
        turn: exchange.turn,
        attempt: exchange.attempt,
        protocol: exchange.protocol ?? '',
        model: answer?.model ?? conversation.model,
        maxTokens: conversation.maxTokens,
        metadata: conversation.extra['metadata'] ?? null,
        preamble: addPreamble(conversation),
        request: table.addMessages(conversation.messages),
        answer: generated === null ? null : table.addMessages([generated.message]),
        answerMessage: generated?.message ?? null,
        complete: answer?.complete ?? false,
        stopReason: answer?.stopReason ?? null,
        answerId: answer?.id ?? null,
        previousAnswerId: typeof previous === 'string' ? previous : null,
        usage: answer?.usage ?? null,
        costNanoUsd,
        status: exchange.status,
        error: readError(call),
      })
    },
    finish: (): Omit<LoadedScope, 'undecodable'> => {
      calls.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
      return { table, preambles, calls }
    },
  }
}
