// The responses a simulated provider can go on from: what each was asked and answered, as items. A socket knows its own; what was not to be
// stored is known to no other. Bounded: the oldest are forgotten. Holds data only.

import type { Json, JsonObject } from '../../core/types.ts'

export interface ResponseMemory {
  /** Input and output up to and including that response; null for one that is not known. */
  readonly find: (id: string) => readonly Json[] | null
  /** Keeps a response by the event that ended it; what was cut or failed cannot be gone on from. `stored` = for every socket. */
  readonly keep: (lastEvent: Buffer | undefined, input: readonly Json[], stored: boolean) => void
}

const responsesMax = 10_000

/** `shared` is what all sockets know; null makes that one. */
export function openResponses(shared: ResponseMemory | null): ResponseMemory {
  const known = new Map<string, readonly Json[]>()
  return {
    find: id => known.get(id) ?? shared?.find(id) ?? null,
    keep: (lastEvent, input, stored) => {
      const ended = lastEvent === undefined ? null : readEnded(lastEvent)
      if (ended === null) return
      const [oldest] = known.keys()
      if (known.size >= responsesMax && oldest !== undefined) known.delete(oldest)
      known.set(ended.id, [...input, ...ended.output])
      if (stored) shared?.keep(lastEvent, input, true)
    },
  }
}

function readEnded(event: Buffer): { readonly id: string; readonly output: readonly Json[] } | null {
  const { type, response } = JSON.parse(event.toString('utf8')) as JsonObject
  if (type !== 'response.completed' && type !== 'response.incomplete') return null
  const { id, output } = response as JsonObject
  return typeof id === 'string' && Array.isArray(output) ? { id, output: output as readonly Json[] } : null
}
