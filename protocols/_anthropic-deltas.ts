// One content block of a stream: opened, fed with deltas, finished. The argument text of a tool call is kept exactly as it came, cut or
// whole; it is parsed once, at the end. Used by _anthropic-stream.ts only. Pure.

import type { Block, Json, JsonObject } from '../core/types.ts'
import { readBlock } from './_anthropic-blocks.ts'
import { isList, isObject, notes, objectOf, parseJson } from './_json.ts'

export interface OpenBlock {
  readonly raw: Json
  /** Pieces of `text` or `thinking`; joined once, so that a long answer costs linear time. */
  readonly text: string[]
  readonly input: string[]
  readonly citations: Json[]
  signature: string | null
  closed: boolean
}

export function openBlock(raw: Json): OpenBlock {
  return { raw, text: [], input: [], citations: [], signature: null, closed: false }
}

/** False when the delta is of no kind this block can take. */
export function foldDelta(block: OpenBlock, delta: JsonObject): boolean {
  const blockType = objectOf(block.raw)['type']
  const { type, text, thinking, partial_json: input, signature, citation } = delta
  if (type === 'text_delta' && blockType === 'text' && typeof text === 'string') block.text.push(text)
  else if (type === 'thinking_delta' && blockType === 'thinking' && typeof thinking === 'string') block.text.push(thinking)
  else if (type === 'input_json_delta' && isObject(block.raw) && 'input' in block.raw && typeof input === 'string')
    block.input.push(input)
  else if (type === 'signature_delta' && blockType === 'thinking' && typeof signature === 'string') block.signature = signature
  else if (type === 'citations_delta' && blockType === 'text' && citation !== undefined) block.citations.push(citation)
  else return false
  return true
}

export function finishBlock(open: OpenBlock, stopped: boolean): Block {
  if (!isObject(open.raw)) return readBlock(open.raw)
  const raw = open.raw
  const type = raw['type']
  if (type === 'text' || type === 'thinking') return readBlock(finishText(open, raw, type === 'text' ? 'text' : 'thinking'))
  const inputText = open.input.join('')
  const block = readBlock(raw)
  if (block.kind === 'tool-call') return finishCall(block, inputText, open.closed || stopped)
  if (inputText === '') return block
  const input = parseJson(inputText)
  if (input === undefined) return { ...block, ...notes({ ...block.extra, partial_json: inputText }) }
  return readBlock({ ...raw, input })
}

function finishText(open: OpenBlock, raw: JsonObject, key: 'text' | 'thinking'): JsonObject {
  const before = raw[key]
  const grew = open.text.length > 0 || typeof before === 'string'
  const fields: Record<string, Json> = {
    ...raw,
    ...(grew ? { [key]: (typeof before === 'string' ? before : '') + open.text.join('') } : {}),
  }
  if (open.signature !== null) fields['signature'] = open.signature
  const citations = isList(raw['citations']) ? raw['citations'] : []
  if (open.citations.length > 0) fields['citations'] = [...citations, ...open.citations]
  return fields
}

/** Relays send the whole input in the start event; then there are no deltas. A start that was cut off right there has no input yet. */
function finishCall(block: Extract<Block, { kind: 'tool-call' }>, inputText: string, finished: boolean): Block {
  if (inputText !== '') return { ...block, inputText, input: parseJson(inputText) ?? null }
  return finished || block.inputText !== '{}' ? block : { ...block, inputText: '', input: null }
}
