// What real clients do to their own history between two requests without meaning anything by it. Every kind is counted.

import type { Block, Json, JsonObject, Message } from '../../../core/types.ts'
import type { Random } from './random.ts'

export interface Noise {
  readonly random: Random
  readonly count: (what: string) => void
  /** Inputs of tool calls may gain defaults; not where the input is all that identifies a call. */
  readonly inputs: boolean
}

export const noiseKinds = [
  'noise: cache mark moved',
  'noise: thinking stripped',
  'noise: trailing space trimmed',
  'noise: trailing space added',
  'noise: default input added',
  'noise: key order',
  'noise: results reordered',
  'noise: text before results',
  'noise: message split',
  'noise: messages joined',
  'noise: empty text',
] as const

type NoiseKind = (typeof noiseKinds)[number]

export function addNoise(messages: readonly Message[], noise: Noise): Message[] {
  const strips = noise.random.below(4)
  const changed = joinMessages(messages, noise).flatMap(message => addMessageNoise(message, strips, noise))
  return markLast(changed, noise)
}

export function shuffle<T>(list: readonly T[], random: Random): T[] {
  return list
    .map(item => ({ item, at: random.below(1000) }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

function happens(kind: NoiseKind, percent: number, { random, count }: Noise): boolean {
  if (!random.chance(percent)) return false
  count(kind)
  return true
}

function addMessageNoise(message: Message, strips: number, noise: Noise): Message[] {
  let blocks = message.blocks.map(block => addBlockNoise(message, block, noise))
  if (message.role === 'assistant') {
    const kept = blocks.filter(block => block.kind !== 'thinking')
    if (strips > 0 && kept.length > 0 && kept.length < blocks.length) {
      noise.count('noise: thinking stripped')
      blocks = kept
    }
    return [{ ...message, blocks }]
  }
  if (blocks.filter(block => block.kind === 'tool-result').length > 1 && happens('noise: results reordered', 40, noise))
    blocks = [
      ...shuffle(
        blocks.filter(block => block.kind === 'tool-result'),
        noise.random,
      ),
      ...blocks.filter(block => block.kind !== 'tool-result'),
    ]
  const mixed = blocks.some(block => block.kind === 'tool-result') && blocks.some(block => block.kind !== 'tool-result')
  if (mixed && happens('noise: text before results', 40, noise))
    blocks = [...blocks.filter(block => block.kind !== 'tool-result'), ...blocks.filter(block => block.kind === 'tool-result')]
  if (happens('noise: empty text', 3, noise)) blocks = [...blocks, { kind: 'text', text: '' }]
  if (blocks.length > 1 && happens('noise: message split', 30, noise))
    return blocks.map(block => ({ ...message, blocks: [block] }))
  return [{ ...message, blocks }]
}

function addBlockNoise(message: Message, block: Block, noise: Noise): Block {
  if (block.kind === 'text' && message.role === 'assistant') {
    if (block.text !== block.text.trimEnd() && happens('noise: trailing space trimmed', 50, noise))
      return { ...block, text: block.text.trimEnd() }
    return happens('noise: trailing space added', 5, noise) ? { ...block, text: `${block.text} \n` } : block
  }
  if (block.kind !== 'tool-call' || !noise.inputs || block.input === null) return block
  let input: Json = block.input
  if (isObject(input)) {
    const added: JsonObject = happens('noise: default input added', 30, noise) ? { ...input, replace_all: false } : input
    input = happens('noise: key order', 30, noise) ? Object.fromEntries(Object.entries(added).reverse()) : added
  }
  return { ...block, input, inputText: JSON.stringify(input) }
}

function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function joinMessages(messages: readonly Message[], noise: Noise): Message[] {
  const joined: Message[] = []
  for (const message of messages) {
    const last = joined.at(-1)
    const joins = last?.role === 'user' && message.role === 'user' && happens('noise: messages joined', 30, noise)
    if (joins && last !== undefined) joined[joined.length - 1] = { ...last, blocks: [...last.blocks, ...message.blocks] }
    else joined.push(message)
  }
  return joined
}

function markLast(messages: Message[], noise: Noise): Message[] {
  const last = messages.at(-1)
  const block = last?.blocks.at(-1)
  if (last === undefined || block === undefined || !happens('noise: cache mark moved', 70, noise)) return messages
  const marked: Block = { ...block, extra: { ...block.extra, cache_control: { type: 'ephemeral' } } }
  return [...messages.slice(0, -1), { ...last, blocks: [...last.blocks.slice(0, -1), marked] }]
}
