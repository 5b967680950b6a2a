// Header lists, stored once and then as differences: an agent's calls differ in a length and a request id, a provider's answers in
// a date and some ids. Pure but for the memory of one list per scope and path.

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
  readonly write: (key: string, list: HeaderList, scopeId: string) => StoredHeaders
  /** After a rollback: the pieces just written are gone. */
  readonly forget: () => void
}

export function createHeaderWriter(putPiece: (bytes: Buffer, scopeId: string) => number): HeaderWriter {
  const bases = new Map<string, { readonly piece: number; readonly list: HeaderList }>()
  return {
    forget: () => bases.clear(),
    write: (key, list, scopeId) => {
      const base = bases.get(key)
      const patch = base && findPatch(base.list, list)
      if (base && patch) return { piece: base.piece, patch: patch.length === 0 ? null : JSON.stringify(patch) }
      const piece = putPiece(Buffer.from(JSON.stringify(list)), scopeId)
      if (bases.size >= scopesMax) bases.clear()
      bases.set(key, { piece, list })
      return { piece, patch: null }
    },
  }
}

/** Null when the names differ or so many values do that a list of its own is the shorter record. */
function findPatch(base: HeaderList, list: HeaderList): Patch | null {
  if (base.length !== list.length) return null
  const patch: Patch = []
  for (let at = 0; at < list.length; at++) {
    const [known, given] = [base[at], list[at]]
    if (!known || !given || known[0] !== given[0]) return null
    if (known[1] !== given[1]) patch.push([at, given[1]])
  }
  return patch.length * 2 > list.length ? null : patch
}

export function readHeaders(piece: Buffer, patch: string | null): HeaderList {
  const list = JSON.parse(piece.toString()) as HeaderList
  if (patch === null) return list
  const changed = new Map(JSON.parse(patch) as Patch)
  return list.map(([name, value], at) => [name, changed.get(at) ?? value] as const)
}
