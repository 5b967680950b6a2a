// Content blocks of Anthropic Messages, wire to canonical and back. What has no canonical word (server tools and their results,
// documents, search results, whatever comes next) is opaque: untouched both ways. A block whose shape is not the documented one
// is opaque too, never repaired. Used by the request, answer and stream files of this protocol only.

import type { Block, Json, JsonObject } from '../core/types.ts'
import { defined, isList, isObject, notes, objectOf, parseInput, printJson, textOf, without } from './_json.ts'

/**
 * Whose words a block is written from: this protocol's own, or another's. Foreign fields in `extra` mean nothing here, foreign thinking
 * has no signature: in a request it is left out (the provider would refuse it), in an answer it is shown unsigned.
 */
export type Origin = 'own' | 'foreign-request' | 'foreign-answer'

/** Tool results inside tool results do not exist; this only keeps hostile nesting off the stack. */
const levelsMax = 8

type BlockReader = (raw: JsonObject, level: number) => Block | null

const readers = new Map<string, BlockReader>([
  [
    'text',
    raw =>
      typeof raw['text'] === 'string' ? { kind: 'text', text: raw['text'], ...notes(without(raw, ['type', 'text'])) } : null,
  ],
  ['thinking', readThinking],
  ['redacted_thinking', readRedacted],
  ['tool_use', readToolUse],
  ['tool_result', readToolResult],
  ['image', readImage],
])

export function readBlock(raw: Json, level = 0): Block {
  const type = isObject(raw) ? textOf(raw['type']) : null
  if (isObject(raw) && type !== null && level < levelsMax) {
    const block = readers.get(type)?.(raw, level)
    if (block) return block
  }
  return { kind: 'opaque', type: type ?? 'unknown', raw }
}

function readThinking(raw: JsonObject): Block | null {
  const text = raw['thinking']
  if (typeof text !== 'string') return null
  const signature = raw['signature']
  if (typeof signature === 'string')
    return { kind: 'thinking', text, signature, ...notes(without(raw, ['type', 'thinking', 'signature'])) }
  return { kind: 'thinking', text, ...notes(without(raw, ['type', 'thinking'])) }
}

function readRedacted(raw: JsonObject): Block | null {
  const redacted = raw['data']
  return typeof redacted === 'string' ? { kind: 'thinking', text: '', redacted, ...notes(without(raw, ['type', 'data'])) } : null
}

function readToolUse(raw: JsonObject): Block | null {
  const { id, name, input } = raw
  if (typeof id !== 'string' || typeof name !== 'string' || input === undefined) return null
  return {
    kind: 'tool-call',
    id,
    name,
    input,
    inputText: printJson(input),
    ...notes(without(raw, ['type', 'id', 'name', 'input'])),
  }
}

function readToolResult(raw: JsonObject, level: number): Block | null {
  const { tool_use_id: callId, content, is_error: isError } = raw
  if (typeof callId !== 'string') return null
  if (content !== undefined && typeof content !== 'string' && !isList(content)) return null
  if (isError !== undefined && typeof isError !== 'boolean') return null
  return {
    kind: 'tool-result',
    callId,
    content: readContent(content ?? [], level + 1),
    isError: isError === true,
    ...notes(without(raw, ['type', 'tool_use_id', 'content', 'is_error']), {
      ...contentNote(content),
      ...(isError === false ? { isError: 'explicit' } : {}),
    }),
  }
}

function readImage(raw: JsonObject): Block | null {
  const source = objectOf(raw['source'])
  const { type, media_type: mediaType, data, url } = source
  const fields = Object.keys(source).length
  const rest = notes(without(raw, ['type', 'source']))
  if (type === 'base64' && fields === 3 && typeof mediaType === 'string' && mediaType !== 'url' && typeof data === 'string')
    return { kind: 'image', mediaType, data, ...rest }
  if (type === 'url' && fields === 2 && typeof url === 'string') return { kind: 'image', mediaType: 'url', data: url, ...rest }
  return null
}

/** Content that may be a string or a list. An empty string has no blocks. */
export function readContent(content: string | readonly Json[], level = 0): Block[] {
  if (typeof content !== 'string') return content.map(raw => readBlock(raw, level))
  return content === '' ? [] : [{ kind: 'text', text: content }]
}

/** How content was spelled, when not as a list. */
export function contentNote(content: Json | undefined): JsonObject {
  if (content === undefined) return { content: 'absent' }
  return typeof content === 'string' ? { content: 'string' } : {}
}

/** The inverse of readContent; undefined = the field was absent. A string only where it says the same as the list. */
export function writeContent(blocks: readonly Block[], wire: JsonObject | undefined, origin: Origin): Json | undefined {
  const form = wire?.['content']
  if (form === 'absent' && blocks.length === 0) return undefined
  const [only] = blocks
  if (form === 'string' && blocks.length === 0) return ''
  if (form === 'string' && blocks.length === 1 && only?.kind === 'text' && only.extra === undefined) return only.text
  return writeBlocks(blocks, origin)
}

export function writeBlocks(blocks: readonly Block[], origin: Origin): Json[] {
  return blocks.map(block => writeBlock(block, origin)).filter(raw => raw !== undefined)
}

/** undefined = this protocol cannot say it. */
export function writeBlock(block: Block, origin: Origin): Json | undefined {
  const extra = origin === 'own' ? block.extra : {}
  switch (block.kind) {
    case 'text':
      return origin === 'foreign-request' && block.text === '' ? undefined : { type: 'text', text: block.text, ...extra }
    case 'refusal':
      return { type: 'text', text: block.text }
    case 'thinking':
      return writeThinking(block, origin)
    case 'tool-call':
      return { type: 'tool_use', id: writeCallId(block.id, origin), name: block.name, input: writeInput(block), ...extra }
    case 'tool-result':
      return writeToolResult(block, origin)
    case 'image':
      return { type: 'image', source: writeSource(block), ...extra }
    case 'opaque':
      return origin === 'own' ? block.raw : undefined
  }
}

function writeThinking(block: Extract<Block, { kind: 'thinking' }>, origin: Origin): JsonObject | undefined {
  if (origin === 'foreign-request') return undefined
  if (origin === 'foreign-answer')
    return block.text === '' ? undefined : { type: 'thinking', thinking: block.text, signature: '' }
  if (block.redacted !== undefined) return { type: 'redacted_thinking', data: block.redacted, ...block.extra }
  return { ...defined({ type: 'thinking', thinking: block.text, signature: block.signature }), ...block.extra }
}

function writeToolResult(block: Extract<Block, { kind: 'tool-result' }>, origin: Origin): JsonObject {
  const explicit = block.isError || block.wire?.['isError'] === 'explicit'
  const content =
    origin === 'own' ? writeContent(block.content, block.wire, origin) : writeContent(block.content, undefined, origin)
  const fields = {
    type: 'tool_result',
    tool_use_id: writeCallId(block.callId, origin),
    content,
    is_error: explicit ? block.isError : undefined,
  }
  return { ...defined(fields), ...(origin === 'own' ? block.extra : {}) }
}

function writeSource(block: Extract<Block, { kind: 'image' }>): JsonObject {
  return block.mediaType === 'url'
    ? { type: 'url', url: block.data }
    : { type: 'base64', media_type: block.mediaType, data: block.data }
}

/** A call that was cut off has no input; the wire wants one, and an empty object is what the official SDKs make of it. */
function writeInput(block: Extract<Block, { kind: 'tool-call' }>): Json {
  return block.input ?? (block.inputText === 'null' ? null : (parseInput(block.inputText) ?? {}))
}

/** Only these characters are accepted in an id here; both the call and its result pass through this, so they still match. */
function writeCallId(id: string, origin: Origin): string {
  if (origin === 'own') return id
  return id === '' ? 'call' : id.replaceAll(/[^a-zA-Z0-9_-]/g, '_')
}
