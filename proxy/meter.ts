// Reads along what each model call used and charges it to its scope and run. A layer around the forwarder, the outermost one: it counts
// what the agent was answered, also from a replay or with a fault in it, as the record will. Changes no byte and delays none.

import type { EpochMs, HeaderList } from '../core/types.ts'
import { findRoute } from '../protocols/_all.ts'
import type { Account, Accounts, Price } from './budget-accounts.ts'
import { addCharge, type Charge, chargeOf } from './budget-tally.ts'
import type { ForwardEvents, ForwardedExchange, Forwarding, ForwardLayer } from './forward.ts'
import { headerValue } from './headers.ts'
import { readMetered } from './meter-read.ts'
import { findModel, findModelInPath } from './model.ts'

export interface MeterOptions {
  readonly accounts: Accounts
  readonly price: Price
  readonly now: () => EpochMs
  /** After each charge, and when a call begins (charge null). */
  readonly onCharge?: (metered: Metered) => void
}

export interface Metered {
  readonly exchangeId: string
  readonly account: Account
  readonly protocol: string
  readonly route: string
  readonly charge: Charge | null
}

/** Answer bytes kept for reading, of one answer and of all at once; what exceeds them is charged as unknown. */
const answerBytesMax = 32 * 1024 * 1024
const allBytesMax = 256 * 1024 * 1024

/** Null for what is no model call. */
export type OpenReading = (exchange: ForwardedExchange) => Reading | null

/** Shared by the layers around forwarder and linker, so that their memory is bounded together. */
export function createReadings(options: MeterOptions): OpenReading {
  const held = { bytes: 0 }
  return exchange => {
    const account = options.accounts.find(exchange.scope.id)
    return account === undefined || !isCall(exchange) ? null : openReading(options, held, exchange, account)
  }
}

export function createMeter(open: OpenReading): ForwardLayer {
  return next => ({
    close: next.close,
    forward: (request, events) => {
      const reading = open(request.exchange)
      if (reading === null) return next.forward(request, events)
      try {
        return tap(next.forward(request, listen(events, reading)), reading)
      } catch (error) {
        reading.over(true) // it was never sent
        throw error
      }
    },
  })
}

export function isCall(exchange: ForwardedExchange): boolean {
  return exchange.protocol !== null && findRoute(exchange.method, exchange.path)?.purpose === 'generate'
}

export interface Reading {
  readonly onHead: (status: number, headers: HeaderList) => void
  readonly onData: (bytes: Buffer) => void
  readonly over: (broken: boolean) => void
}

/** The charge is made before the agent can know that the answer is over: its next call finds it. */
function listen(events: ForwardEvents, reading: Reading): ForwardEvents {
  return {
    onHead: head => {
      reading.onHead(head.status, head.headers)
      events.onHead(head)
    },
    onData: bytes => {
      reading.onData(bytes)
      events.onData(bytes)
    },
    onEnd: trailers => {
      reading.over(false)
      events.onEnd(trailers)
    },
    onFailure: failure => {
      reading.over(true)
      events.onFailure(failure)
    },
  }
}

function tap(forwarding: Forwarding, reading: Reading): Forwarding {
  return {
    ...forwarding,
    abort: () => {
      reading.over(true)
      forwarding.abort()
    },
  }
}

function openReading(options: MeterOptions, held: { bytes: number }, exchange: ForwardedExchange, account: Account): Reading {
  let status: number | null = null
  let headers: HeaderList | null = null
  let kept: Buffer[] | null = []
  let keptBytes = 0
  let ended = false
  const protocol = exchange.protocol?.id ?? ''
  const about = { exchangeId: exchange.id, account, protocol, route: exchange.route }
  account.inFlight += 1
  options.onCharge?.({ ...about, charge: null })
  const drop = (): void => {
    kept = null
    held.bytes -= keptBytes
    keptBytes = 0
  }
  const over = (broken: boolean): void => {
    if (ended) return
    ended = true
    account.inFlight -= 1
    const bytes = kept === null ? null : Buffer.concat(kept)
    drop()
    const charge = readCharge(options, exchange, { status, headers, bytes, broken })
    for (const purse of [account, account.run]) if (purse) addCharge(purse.tally, charge)
    options.onCharge?.({ ...about, charge })
  }
  return {
    onHead: (code, list) => {
      status = code
      headers = list
    },
    onData: bytes => {
      if (kept === null || ended) return
      kept.push(bytes)
      keptBytes += bytes.length
      held.bytes += bytes.length
      if (keptBytes > answerBytesMax || held.bytes > allBytesMax) drop()
    },
    over,
  }
}

interface Arrival {
  readonly status: number | null
  readonly headers: HeaderList | null
  /** Null when there were too many. */
  readonly bytes: Buffer | null
  readonly broken: boolean
}

function readCharge(options: MeterOptions, exchange: ForwardedExchange, arrival: Arrival): Charge {
  const { protocol, route } = exchange
  const { status, broken, bytes } = arrival
  if (protocol === null || bytes === null) return { model: null, usage: null, failed: false, complete: !broken, nanoUsd: null }
  const answer = readMetered(protocol, arrival.headers, bytes)
  const modelAsked = answer === null || answer.model === null ? readAsked(exchange) : null
  const at = options.now()
  return chargeOf(answer, { status, broken, modelAsked }, (model, usage) =>
    options.price({ protocol: protocol.id, route, model, usage, at }),
  )
}

/** The model that is asked for, in the body or the path. */
export function readAsked({ headers, body, path }: ForwardedExchange): string | null {
  const plain = headerValue(headers, 'content-encoding') === null
  return (plain ? findModel(body)?.model : null) ?? findModelInPath(path)
}
