// One block of a Converse stream: opened, fed with deltas, finished. The argument text of a tool call is kept exactly as it came, cut or
// whole; it is parsed once, at the end. Used by _bedrock-stream.ts only. Pure.

import type { Block, Json, JsonObject } from '../core/types.ts'
import { readBlock } from './_bedrock-blocks.ts'
import { notes, objectOf, parseJson, textOf, without } from './_json.ts'

type Kind = 'text' | 'thinking' | 'redacted' | 'call' | 'whole'

export interface OpenBlock {
  kind: Kind | null
  /** What its start event held; undefined: there was none. */
  readonly start: Json | undefined
  /** Pieces of text, reasoning, redacted reasoning or arguments; joined once, so that a long answer costs linear time. */
  readonly pieces: string[]
  readonly citations: Json[]
  signature: string | null
  closed: boolean
}

export function openBlock(start?: Json): OpenBlock {
  const { toolUseId: id, name } = objectOf(objectOf(start)['toolUse'])
  const call = typeof id === 'string' && typeof name === 'string'
  return {
    kind: start === undefined ? null : call ? 'call' : 'whole',
    start,
    pieces: [],
    citations: [],
    signature: null,
    closed: false,
  }
}

/** False when the delta is of no kind this block can take. */
export function foldDelta(block: OpenBlock, delta: JsonObject): boolean {
  const { text, citation } = delta
  const input = objectOf(delta['toolUse'])['input']
  const { text: thought, signature, redactedContent: redacted } = objectOf(delta['reasoningContent'])
  if (typeof text === 'string') return grow(block, 'text', text)
  if (typeof thought === 'string') return grow(block, 'thinking', thought)
  if (typeof redacted === 'string') return grow(block, 'redacted', redacted)
  if (typeof input === 'string') return grow(block, 'call', input)
  if (typeof signature === 'string' && grow(block, 'thinking', '')) {
    block.signature = (block.signature ?? '') + signature
    return true
  }
  if (citation !== undefined && grow(block, 'text', '')) {
    block.citations.push(citation)
    return true
  }
  return false
}

function grow(block: OpenBlock, kind: Kind, piece: string): boolean {
  if (block.kind === null && kind !== 'call') block.kind = kind
  if (block.kind !== kind) return false
  block.pieces.push(piece)
  return true
}

export function finishBlock(open: OpenBlock, stopped: boolean): Block {
  const text = open.pieces.join('')
  if (open.kind === 'thinking')
    return open.signature === null ? { kind: 'thinking', text } : { kind: 'thinking', text, signature: open.signature }
  if (open.kind === 'redacted') return { kind: 'thinking', text: '', redacted: text }
  if (open.kind === 'call') return finishCall(open, text, open.closed || stopped)
  if (open.kind === 'whole') return readBlock(open.start ?? null)
  return { kind: 'text', text, ...notes(open.citations.length === 0 ? {} : { citations: open.citations }) }
}

/** A call without arguments has no deltas; one that was cut before them has no input yet. */
function finishCall(open: OpenBlock, inputText: string, finished: boolean): Block {
  const call = objectOf(objectOf(open.start)['toolUse'])
  const extra = notes(without(call, ['toolUseId', 'name']))
  const named = { kind: 'tool-call' as const, id: textOf(call['toolUseId']) ?? '', name: textOf(call['name']) ?? '' }
  if (inputText !== '') return { ...named, input: parseJson(inputText) ?? null, inputText, ...extra }
  return finished ? { ...named, input: {}, inputText: '{}', ...extra } : { ...named, input: null, inputText: '', ...extra }
}
