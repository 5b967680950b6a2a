// Trajectories as Anthropic Messages content: what anthropic.ts writes into `request` and `response`. Blocks of other dialects are translated;
// what that dialect cannot say is left out and noted with its place, so that nothing is lost and no signature is made up. Pure.

import type { Block, Json, JsonObject } from '../../core/types.ts'
import { writeBlock } from '../../protocols/_anthropic-blocks.ts'
import { isObject, parseInput, printJson } from '../../protocols/_json.ts'
import type { Trajectory } from '../trajectory.ts'
import { writePart } from './_parts.ts'

/** What has no place in the messages, by message (-1: the system text; one past the last message: the response). */
export interface Aside {
  readonly omitted: JsonObject[]
  /** Exact text of arguments whose value does not give it back: broken, or spaced otherwise. */
  readonly arguments: JsonObject[]
}

const ownProtocols = ['anthropic-messages', 'bedrock-invoke']

export function isOwnDialect({ protocol }: Pick<Trajectory, 'protocol'>): boolean {
  return ownProtocols.includes(protocol)
}

export function writeMessageContent(blocks: readonly Block[], message: number, own: boolean, aside: Aside): Json[] {
  return blocks.flatMap((block, at) => {
    const written = writeBlock(block, own ? 'own' : 'foreign-request')
    if (!isSayable(written, own)) {
      aside.omitted.push({ message, at, block: writePart(block) })
      return []
    }
    if (block.kind === 'tool-call') noteArguments(block, { message, at, input: written['input'] ?? null }, aside)
    if (block.kind === 'tool-result' && !own)
      for (const [inside, part] of block.content.entries())
        if (writeBlock(part, 'foreign-request') === undefined) aside.omitted.push({ message, at, inside, block: writePart(part) })
    return [written]
  })
}

/** The API takes objects with a type, and no empty text; what was recorded here in its own dialect was taken. */
function isSayable(written: Json | undefined, own: boolean): written is JsonObject {
  if (!isObject(written) || typeof written['type'] !== 'string') return false
  return own || written['type'] !== 'text' || written['text'] !== ''
}

function noteArguments(
  { input, inputText }: Extract<Block, { kind: 'tool-call' }>,
  place: { readonly message: number; readonly at: number; readonly input: Json },
  aside: Aside,
): void {
  if (input === null || printJson(place.input) !== inputText)
    aside.arguments.push({ message: place.message, at: place.at, text: inputText })
}

/** Puts back what was noted for one message. */
export function restore(
  blocks: readonly Block[],
  omitted: ReadonlyArray<{ readonly at: number; readonly inside: number | null; readonly block: Block }>,
  texts: ReadonlyMap<number, string>,
): Block[] {
  const restored = [...blocks]
  for (const { at, inside, block } of omitted) {
    const holder = restored[at]
    if (inside === null) restored.splice(at, 0, block)
    else if (holder?.kind === 'tool-result') restored[at] = { ...holder, content: holder.content.toSpliced(inside, 0, block) }
  }
  return restored.map((block, at) => {
    const text = texts.get(at)
    return block.kind !== 'tool-call' || text === undefined ? block : { ...block, input: parseInput(text), inputText: text }
  })
}
