// Holds three copies of every request and answer against each other: what the agent sent and got, what the provider got and sent, what the
// store gives back. Also that every call is decoded with its usage, and that the store is sound.

import type { Call, Exchange } from '../../core/types.ts'
import { findRoute } from '../../protocols/_all.ts'
import { agentSessionOf } from '../../proxy/attribute.ts'
import { headerValue } from '../../proxy/headers.ts'
import type { Store } from '../../store/_adapter.ts'
import type { Variant } from './agents/_agent.ts'
import { compareMessages, openMessageReader } from './sockets.ts'
import type { Witness, Witnessed } from './witness.ts'

export interface Compared {
  /** Model calls. */
  readonly calls: number
  /** Everything else that was asked for: model lists, token counts, probes. */
  readonly beside: readonly string[]
  readonly protocols: readonly string[]
  /** Session ids in the headers of its model calls. */
  readonly ownSessions: readonly string[]
  readonly sessions: readonly string[]
  readonly wrong: readonly string[]
}

export interface Places {
  readonly store: Store
  /** Between agent and proxy. */
  readonly front: Witness
  /** Between proxy and provider. */
  readonly back: Witness
}

interface Held {
  readonly exchange: Exchange
  readonly request: Buffer
  readonly answer: Buffer
}

export async function compareCopies({ store, front, back }: Places, variant: Variant): Promise<Compared> {
  const exchanges = await store.exchanges({})
  const held: Held[] = []
  for (const exchange of exchanges) {
    const request = (await store.readBody(exchange.id, 'request'))?.bytes ?? Buffer.alloc(0)
    held.push({ exchange, request, answer: (await store.readBody(exchange.id, 'response'))?.bytes ?? Buffer.alloc(0) })
  }
  const generating = exchanges.filter(isGeneration)
  const calls = await store.list('calls')
  return {
    calls: generating.length,
    beside: exchanges.filter(exchange => !isGeneration(exchange) && !isUpgrade(exchange)).map(describe),
    protocols: [...new Set(calls.map(call => call.protocol))],
    ownSessions: [...new Set(generating.flatMap(exchange => agentSessionOf(exchange.requestHeaders) ?? []))],
    sessions: (await store.list('sessions')).map(session => session.name),
    wrong: [
      ...compareWith('agent', front, held),
      ...compareWith('provider', back, held),
      ...compareSockets('agent', front, held),
      ...compareSockets('provider', back, held),
      ...generating.flatMap(exchange => judgeCall(exchange, calls, variant)),
      ...exchanges
        .filter(exchange => !isGeneration(exchange) && exchange.outcome !== 'complete')
        .map(exchange => `${describe(exchange)} is ${exchange.outcome}`),
      ...(await store.verify()).bad.map(bad => `verify: ${bad.what}`),
    ],
  }
}

const isUpgrade = (exchange: Exchange): boolean =>
  headerValue(exchange.requestHeaders, 'upgrade') !== null && exchange.method === 'GET'
const isMessage = (exchange: Exchange): boolean => exchange.method === 'WS'
const isGeneration = (exchange: Exchange): boolean => findRoute(exchange.method, exchange.path)?.purpose === 'generate'
const describe = (exchange: Exchange): string => `${exchange.method} ${exchange.path} ${exchange.status}`

/** Each exchange uses up one copy; parallel calls may have passed in another order. */
function compareWith(who: 'agent' | 'provider', witness: Witness, held: readonly Held[]): string[] {
  const plain = held.filter(({ exchange }) => !isUpgrade(exchange) && !isMessage(exchange))
  const unused = new Set(witness.seen)
  const wrong: string[] = []
  for (const { exchange, request, answer } of plain) {
    const same = [...unused].filter(
      note => note.method === exchange.method && note.path.includes(exchange.path) && note.request.equals(request),
    )
    const copy = same.find(note => agrees(note, exchange, answer))
    if (copy !== undefined) unused.delete(copy)
    else
      wrong.push(`${describe(exchange)}: ${same.length === 0 ? 'the request' : 'the answer'} differs from the copy of the ${who}`)
  }
  return [...wrong, ...[...unused].map(note => `${note.method} ${note.path} of the ${who} is not in the record`)]
}

function compareSockets(who: 'agent' | 'provider', { upgrades }: Witness, held: readonly Held[]): string[] {
  const recorded = held.filter(({ exchange }) => isUpgrade(exchange)).map(({ exchange }) => exchange.status)
  const seen = upgrades.map(upgrade => upgrade.status())
  const messages = held.filter(({ exchange }) => isMessage(exchange))
  const asked = messages.filter(({ request }) => request.length > 0).map(({ request }) => ({ binary: false, payload: request }))
  return [
    ...(seen.join() === recorded.join() ? [] : [`upgrades of the ${who}: ${seen.join(', ')}, recorded: ${recorded.join(', ')}`]),
    ...compareMessages(
      `a message to the ${who === 'agent' ? 'proxy' : 'provider'}`,
      upgrades.flatMap(upgrade => upgrade.sent),
      asked,
    ),
    ...compareMessages(
      `a message of the ${who === 'agent' ? 'proxy' : 'provider'}`,
      upgrades.flatMap(upgrade => upgrade.received),
      messages.flatMap(({ answer }) => openMessageReader().push(answer)),
    ),
  ]
}

/** A client that left after the part it wanted has a beginning of what is stored. */
function agrees(note: Witnessed, exchange: Exchange, answer: Buffer): boolean {
  if (note.status() !== exchange.status) return false
  const got = note.answer()
  return note.whole()
    ? got.equals(answer)
    : answer.subarray(0, got.length).equals(got) || got.subarray(0, answer.length).equals(answer)
}

function judgeCall(exchange: Exchange, calls: readonly Call[], variant: Variant): string[] {
  const call = calls.find(candidate => candidate.exchangeId === exchange.id)
  const name = describe(exchange)
  if (exchange.outcome !== 'complete') return [`${name} is ${exchange.outcome}`]
  if (call === undefined) return [`${name} is not decoded`]
  if (call.protocol !== variant.protocol) return [`${name} is ${call.protocol}, expected ${variant.protocol}`]
  if (!call.complete || call.error !== null) return [`${name} ended ${call.error?.message ?? 'in the middle'}`]
  const { input, output } = call.usage ?? {}
  return typeof input === 'number' && typeof output === 'number' ? [] : [`${name} has no usage`]
}
