// Header lists, stored once and then as differences: an agent's calls differ in a length and a request id, a provider's answers in
// a date and some ids. Pure but for the memory of the last list per scope.

import type { HeaderList } from '../core/types.ts'

type Patch = Array<readonly [index: number, value: string]>

export interface StoredHeaders {
  readonly piece: number
  readonly patch: string | null
}

/** Scopes whose last lists are remembered. */
const scopesMax = 1024

export interface HeaderWriter {
  /** Lists of the same key are stored as differences to the first of them. */
  readonly write: (key: string, json: string, scopeId: string) => StoredHeaders
  /** After a rollback: the pieces just written are gone. */
  readonly forget: () => void
}

export function createHeaderWriter(putPiece: (bytes: Buffer, scopeId: string) => number): HeaderWriter {
  const last = new Map<string, { piece: number; json: string; list: HeaderList }>()
  return {
    forget: () => last.clear(),
    write: (key, json, scopeId) => {
      const known = last.get(key)
      if (known?.json === json) return { piece: known.piece, patch: null }
      const list = JSON.parse(json) as HeaderList
      const patch = known && findPatch(known.list, list)
      if (known && patch) return { piece: known.piece, patch: JSON.stringify(patch) }
      const piece = putPiece(Buffer.from(json), scopeId)
      if (last.size >= scopesMax) last.clear()
      last.set(key, { piece, json, list })
      return { piece, patch: null }
    },
  }
}

/** Null when the names differ or so many values do that a list of its own is the shorter record. */
function findPatch(base: HeaderList, list: HeaderList): Patch | null {
  if (base.length !== list.length) return null
  const patch: Patch = []
  for (const [at, [name, value]] of list.entries()) {
    const known = base[at]
    if (known?.[0] !== name) return null
    if (known[1] !== value) patch.push([at, value])
  }
  return patch.length * 2 > list.length ? null : patch
}

export function readHeaders(piece: Buffer, patch: string | null): HeaderList {
  const list = JSON.parse(piece.toString()) as HeaderList
  if (patch === null) return list
  const changed = new Map(JSON.parse(patch) as Patch)
  return list.map(([name, value], at) => [name, changed.get(at) ?? value] as const)
}
