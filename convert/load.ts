// One scope's calls, loaded for the tree: every request and answer as references into one block table, in an order that does not
// depend on how they were recorded. Bytes come from the store; nothing is written.

import type { Conversation, EpochMs, Json, Message, ToolDefinition, Usage } from '../core/types.ts'
import type { ExchangeFilter, Store } from '../store/_adapter.ts'
import { type BlockList, type BlockTable, createBlockTable, namePreamble } from './blocks.ts'
import { type DecodedCall, decodeExchange, isCall, isGeneration } from './decode.ts'

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
}

export interface LoadedScope {
  readonly table: BlockTable
  readonly preambles: readonly Preamble[]
  /** By request time, then id: a total order that is the same however the records came. */
  readonly calls: readonly LoadedCall[]
  readonly undecodable: number
}

export async function loadScope(store: Store, filter: ExchangeFilter): Promise<LoadedScope> {
  const exchanges = (await store.exchanges(filter)).filter(isCall)
  exchanges.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
  const loader = createLoader()
  let undecodable = 0
  for (const exchange of exchanges) {
    const decoded = await decodeExchange(store, exchange)
    if ('reason' in decoded) undecodable += 1
    else loader.add(decoded)
  }
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
    add: ({ exchange, conversation, answer }: DecodedCall): void => {
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
      })
    },
    finish: (): Omit<LoadedScope, 'undecodable'> => ({ table, preambles, calls }),
  }
}
