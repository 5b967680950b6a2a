// Prompts as token ids, each shared part kept once: a call holds a place in a trie of chunks and the rest of a chunk, not its prompt.
// A conversation of ten thousand calls whose every prompt repeats the last costs what is new in each.

import type { Answer } from '../core/types.ts'
import { readTokens } from './tokens.ts'

/** A sequence in the table: whole chunks up to a node, then what does not fill one. */
export interface TokenSequence {
  readonly length: number
  /** Index of its last whole chunk; -1 = none. */
  readonly node: number
  readonly rest: Int32Array
}

/** What a server returned of one call. */
export interface CallTokens {
  readonly prompt: TokenSequence
  readonly answer: Int32Array
  readonly logprobs: ReadonlyArray<number | null> | null
}

export interface TokenTable {
  readonly add: (ids: readonly number[]) => TokenSequence
  /** Null: it holds no ids, or not all. */
  readonly addAnswer: (answer: Answer) => CallTokens | null
  /** The ids from one position up to another. Costs what it gives, and the chunks behind it. */
  readonly read: (sequence: TokenSequence, from: number, to: number) => number[]
  /** The sequence begins with `prompt` and then `answer`. Costs what is new in it. */
  readonly begins: (sequence: TokenSequence, prompt: TokenSequence, answer: Int32Array) => boolean
}

const chunkIds = 256

export function createTokenTable(): TokenTable {
  const parents: number[] = []
  const chunks: Int32Array[] = []
  const byContent = new Map<string, number>()

  const addChunk = (parent: number, chunk: Int32Array): number => {
    const key = `${parent} ${Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')}`
    const known = byContent.get(key)
    if (known !== undefined) return known
    parents.push(parent)
    chunks.push(chunk)
    byContent.set(key, chunks.length - 1)
    return chunks.length - 1
  }

  /** The node of the chunk that ends at `chunkIds * count`, walking back from the sequence's end. */
  const findNode = (sequence: TokenSequence, count: number): number => {
    let node = sequence.node
    for (let at = Math.floor(sequence.length / chunkIds); at > count; at -= 1) node = parents[node] ?? -1
    return node
  }

  const read = (sequence: TokenSequence, from: number, to: number): number[] => {
    const last = Math.min(to, sequence.length)
    const whole = Math.floor(sequence.length / chunkIds) * chunkIds
    const parts: number[][] = []
    if (last > whole) parts.push([...sequence.rest.subarray(Math.max(from - whole, 0), last - whole)])
    const end = Math.min(last, whole)
    let node = findNode(sequence, Math.ceil(end / chunkIds))
    for (let start = Math.ceil(end / chunkIds) * chunkIds - chunkIds; start + chunkIds > from && start >= 0; start -= chunkIds) {
      parts.push([...(chunks[node] ?? [])].slice(Math.max(from - start, 0), end - start))
      node = parents[node] ?? -1
    }
    return parts.reverse().flat()
  }

  const add = (ids: readonly number[]): TokenSequence => {
    const all = Int32Array.from(ids)
    let node = -1
    let at = 0
    for (; at + chunkIds <= all.length; at += chunkIds) node = addChunk(node, all.slice(at, at + chunkIds))
    return { length: all.length, node, rest: all.slice(at) }
  }

  return {
    add,
    addAnswer: answer => {
      const given = readTokens(answer)
      if (given === null) return null
      return { prompt: add(given.prompt), answer: Int32Array.from(given.answer), logprobs: given.logprobs }
    },
    read,
    begins: (sequence, prompt, answer) => {
      const length = prompt.length + answer.length
      if (sequence.length < length) return false
      const shared = Math.floor(prompt.length / chunkIds)
      if (findNode(sequence, shared) !== prompt.node) return false
      const expected = [...prompt.rest, ...answer]
      return read(sequence, shared * chunkIds, length).every((id, index) => id === expected[index])
    },
  }
}
