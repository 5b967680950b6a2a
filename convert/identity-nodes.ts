// The bare trie of identity keys, and the names of its nodes. A name is a hash of the path, so the same words have the same name in
// every order, machine and run, and adding calls renames nothing.

import { createHash } from 'node:crypto'
import type { BlockTable } from './blocks.ts'

export interface IdentityNodes {
  /** A block without identity (key -1) leads nowhere. */
  readonly step: (node: number, key: number) => number
  /** SHA-256 (hex) of the path; made when it is asked for. */
  readonly nodeId: (identity: number) => string
}

const keysMax = 2 ** 26

export function createIdentityNodes(table: BlockTable, scopeId: string): IdentityNodes {
  const parents = [0]
  const keys = [-1]
  const children = new Map<number, number>()
  const names: Array<string | undefined> = [createHash('sha256').update(scopeId).digest('hex')]
  return {
    step: (node: number, key: number): number => {
      if (key < 0) return node
      const edge = node * keysMax + key
      const known = children.get(edge)
      if (known !== undefined) return known
      children.set(edge, parents.length)
      parents.push(node)
      keys.push(key)
      return parents.length - 1
    },
    nodeId: (identity: number): string => {
      const open: number[] = []
      let at = identity
      for (; names[at] === undefined; at = parents[at] ?? 0) open.push(at)
      let name = names[at] ?? ''
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        name = createHash('sha256')
          .update(`${name}\n${table.readKey(keys[next] ?? -1)}`)
          .digest('hex')
        names[next] = name
      }
      return name
    },
  }
}
