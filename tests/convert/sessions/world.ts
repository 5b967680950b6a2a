// The place where simulated clients live: one clock, one log, one server that numbers its answers. It records what crosses the wire, with
// the noise of real clients on top, and beside it what was meant.

import type { DecodedCall } from '../../../convert/decode.ts'
import type { SourceCall } from '../../../convert/sources/source.ts'
import type { Answer, Block, Conversation, Exchange, Message, ToolDefinition } from '../../../core/types.ts'
import { makeExchange } from '../../rows.ts'
import { usage } from '../script.ts'
import { listKeys } from './kappa.ts'
import { addNoise, shuffle } from './noise.ts'
import { createRandom, type Random, scatter } from './random.ts'
import type { Draft, SentCall } from './truth.ts'

export type ClockMode = 'exact' | 'equal' | 'inverted'

export interface WorldOptions {
  /** Null: every client sends exactly what it was given. */
  readonly noise: number | null
  readonly clock: ClockMode
  /** Goes into every text, so that two worlds share none. */
  readonly name: string
}

export interface World {
  readonly options: WorldOptions
  readonly log: SourceCall[]
  readonly sent: SentCall[]
  readonly tally: Map<string, number>
  readonly count: (what: string) => void
  /** A number never given before. */
  readonly number: () => number
  readonly send: (request: WorldRequest) => string
  readonly logAgain: (id: string) => void
}

export interface WorldRequest {
  readonly client: number
  readonly conversation: number
  readonly draft: Draft
  readonly system: readonly string[]
  readonly tools: readonly ToolDefinition[]
  readonly maxTokens: number
  readonly extra: Conversation['extra']
  /** As the client holds them. */
  readonly messages: readonly Message[]
  /** How many of them an answer it names stands for. */
  readonly skip: number
  readonly rename: ((id: string) => string) | null
  /** Ids that mean nothing, because the server gives them again and again. */
  readonly idsRepeat: boolean
  readonly answer: readonly Block[] | null
  readonly complete: boolean
}

export function createWorld(options: WorldOptions): World {
  const log: SourceCall[] = []
  const sent: SentCall[] = []
  const tally = new Map<string, number>()
  const wire = options.noise === null ? null : createRandom(options.noise)
  const times = createRandom(7)
  let numbers = 0
  let now = 1_000_000
  const count = (what: string) => tally.set(what, (tally.get(what) ?? 0) + 1)
  const readClock = (): number => {
    if (options.clock === 'equal') return Math.floor(now / 20_000) * 20_000
    return options.clock === 'inverted' ? now + times.below(1500) - 750 : now
  }

  const send = (request: WorldRequest): string => {
    const id = `${scatter(numbers++)}-${options.name}`
    now += 200 + times.below(800)
    const startedAt = readClock()
    now += 100 + times.below(300)
    const kappa = { repeated: () => request.idsRepeat }
    const answered = request.answer
    sent.push({
      id,
      client: request.client,
      conversation: request.conversation,
      draft: request.draft,
      startedAt,
      keys: listKeys(request.messages, kappa),
      answerKeys: answered === null ? null : listKeys([{ role: 'assistant', blocks: answered }], kappa),
      preamble: JSON.stringify([request.system, request.tools.map(tool => tool.name).sort(), request.maxTokens]),
      records: [id],
      renamed: request.rename !== null,
      repeats: request.idsRepeat,
    })
    const decoded = writeCall(request, id, startedAt, Math.max(startedAt, readClock()), wire, count)
    log.push({ ...decoded, continues: null, costNanoUsd: answered === null ? null : 1000 + times.below(100_000) })
    return id
  }

  return {
    options,
    log,
    sent,
    tally,
    count,
    number: () => numbers++,
    send,
    logAgain: id => {
      const first = log.find(call => call.exchange.id === id)
      if (first === undefined) return
      const again = `${scatter(numbers++)}-${options.name}`
      const startedAt = first.exchange.startedAt + times.below(3)
      const endedAt = first.exchange.endedAt === null ? null : Math.max(startedAt, first.exchange.endedAt)
      log.push({ ...first, exchange: { ...first.exchange, id: again, startedAt, endedAt } })
      sent.find(call => call.id === id)?.records.push(again)
      count('logged twice')
    },
  }
}

function writeCall(
  request: WorldRequest,
  id: string,
  startedAt: number,
  endedAt: number,
  wire: Random | null,
  count: (what: string) => void,
): DecodedCall {
  const { rename } = request
  const renamed = rename === null ? request.messages : request.messages.map(message => renameIds(message, rename))
  const messages = renamed.slice(request.skip)
  const noise = wire === null ? null : { random: wire, count, inputs: !request.idsRepeat && rename === null }
  const conversation: Conversation = {
    model: 'model-a',
    stream: false,
    system: request.system.map(text => ({ kind: 'text', text })),
    messages: noise === null ? messages : addNoise(messages, noise),
    tools: wire === null ? request.tools : shuffle(request.tools, wire),
    maxTokens: request.maxTokens,
    temperature: null,
    extra: request.extra,
  }
  return {
    exchange: writeExchange(id, startedAt, endedAt, request.answer !== null),
    conversation,
    answer: writeAnswer(request, id),
  }
}

function renameIds(message: Message, rename: (id: string) => string): Message {
  const blocks = message.blocks.map((block): Block => {
    if (block.kind === 'tool-call') return { ...block, id: rename(block.id) }
    return block.kind === 'tool-result' ? { ...block, callId: rename(block.callId) } : block
  })
  return { ...message, blocks }
}

function writeAnswer({ answer, complete }: WorldRequest, id: string): Answer | null {
  // Some failures say what they cost, others are only a closed connection.
  const odd = Number.parseInt(id.slice(0, 2), 16)
  if (answer === null && odd % 2 === 0) return null
  return {
    id: answer === null ? null : `msg_${id}`,
    model: 'model-a-1',
    message: { role: 'assistant', blocks: answer ?? [] },
    stopReason: complete && answer !== null ? 'end_turn' : null,
    usage: answer === null ? (odd % 3 === 0 ? usage(odd, 0) : null) : usage(100 + odd, 10 + (odd % 7), odd % 50),
    complete: complete && answer !== null,
    error: answer === null ? { type: 'overloaded_error', message: 'busy' } : null,
  }
}

function writeExchange(id: string, startedAt: number, endedAt: number, generates: boolean): Exchange {
  return makeExchange({ id, status: generates ? 200 : 529, responseSha256: null, startedAt, firstByteAt: startedAt, endedAt })
}
