// Why a request has no recorded answer, in words that help: the recorded call it comes nearest to and where the two first differ.
// Reads bodies again for this one message; decides nothing.

import { TurnpikeError } from '../../core/errors.ts'
import type { Json } from '../../core/types.ts'
import { withoutVolatile } from './canonical.ts'
import { findDifference } from './difference.ts'
import { type AskedExchange, readAsked } from './find.ts'
import { readFingerprint, readSteps } from './fingerprint.ts'
import type { ShelfView } from './library.ts'
import { rateLikeness } from './match.ts'
import type { Shelved } from './shelf.ts'

/** Addresses listed when nothing was recorded at the one asked for. */
const addressesMax = 8

export async function explainMiss(exchange: AskedExchange, view: ShelfView): Promise<TurnpikeError> {
  const { method, path } = exchange
  const { shelf, used } = view
  const body = readAsked(exchange)
  const nearest = findNearest(exchange, body, view)
  if (nearest === null) return missOf(`nothing is recorded for ${method} ${path}; recorded: ${listAddresses(shelf.addresses())}`)
  const where = nearest.turn === null ? '' : ` of turn ${nearest.turn}, attempt ${nearest.attempt ?? 1}`
  const already = used.has(nearest) ? ', which has been replayed already' : ''
  const intro = `no recorded answer is left for ${method} ${path}: the nearest recorded call is ${nearest.id}${where}${already}`
  const recorded = await shelf.readJson(nearest)
  if (recorded === undefined || body === undefined) return missOf(intro)
  const difference = findDifference(withoutVolatile(recorded), withoutVolatile(body))
  if (difference === null) return missOf(`${intro}; the two are equal`)
  const place = difference.path === '' ? 'the whole body' : difference.path
  return missOf(`${intro}; they first differ at ${place}: recorded ${difference.recorded}, asked ${difference.asked}`)
}

function missOf(message: string): TurnpikeError {
  return new TurnpikeError('E_REPLAY_MISS', message)
}

function listAddresses(addresses: ReadonlyMap<string, number>): string {
  const listed = [...addresses].slice(0, addressesMax).map(([address, count]) => `${address} (${count})`)
  return listed.join(', ') + (addresses.size > addressesMax ? ', …' : '')
}

/** Furthest along the same conversation first, unused before used, then the one most alike. */
function findNearest(exchange: AskedExchange, body: Json | undefined, { shelf, used }: ShelfView): Shelved | null {
  const { method, path, protocol } = exchange
  const asked = readFingerprint(body, protocol, exchange)?.place ?? null
  const steps = body === undefined ? [] : readSteps(body, protocol, exchange)
  const depths = new Map(steps.map((name, index) => [name, index + 1]))
  let best: { entry: Shelved; rank: readonly number[] } | null = null
  for (const entry of shelf.entries(method, path)) {
    const place = shelf.printOf(entry)?.place ?? null
    const depth = place === null ? 0 : (depths.get(place.said) ?? 0)
    const likeness = place === null || asked === null ? 0 : rateLikeness(asked, place)
    const rank = [depth, used.has(entry) ? 0 : 1, likeness]
    if (best === null || isHigher(rank, best.rank)) best = { entry, rank }
  }
  return best?.entry ?? null
}

function isHigher(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index])
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0)
}
