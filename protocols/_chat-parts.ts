// The pieces of OpenAI Chat Completions messages, wire to canonical and back: content parts, thinking fields, tool calls. `wire` notes on
// a block say which of the several spellings it had. Shapes that are not the documented ones become opaque. Pure.

import type { Block, Json, JsonObject } from '../core/types.ts'
import { defined, isList, isObject, notes, objectOf, parseInput, printJson, textOf, without } from './_json.ts'

/** Compatible servers disagree on the name; some send the same text under two of them. */
export const thinkingFields = ['reasoning_content', 'reasoning', 'reasoning_text', 'thinking'] as const

export function readContent(content: Json | undefined): Block[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }]
  return isList(content) ? content.map(readPart) : []
}

/** How content was spelled: needed to write it again as it was. */
export function contentForm(content: Json | undefined): string {
  if (content === undefined) return 'absent'
  if (content === null) return 'null'
  return typeof content === 'string' ? 'string' : 'list'
}

export function isContent(content: Json | undefined): boolean {
  return content === undefined || content === null || typeof content === 'string' || isList(content)
}

function readPart(raw: Json): Block {
  if (isObject(raw)) {
    const { type, text, refusal } = raw
    if (type === 'text' && typeof text === 'string') return { kind: 'text', text, ...notes(without(raw, ['type', 'text'])) }
    if (type === 'refusal' && typeof refusal === 'string')
      return { kind: 'refusal', text: refusal, ...notes(without(raw, ['type', 'refusal']), { slot: 'content' }) }
    const image = type === 'image_url' ? readImage(raw) : null
    if (image) return image
  }
  return { kind: 'opaque', type: textOf(objectOf(raw)['type']) ?? 'unknown', raw, wire: { slot: 'content' } }
}

const dataUrl = /^data:([^;,]+);base64,([A-Za-z0-9+/=_-]*)$/

function readImage(raw: JsonObject): Block | null {
  const image = objectOf(raw['image_url'])
  const url = image['url']
  if (typeof url !== 'string' || 'image_url' in image) return null
  const inner = without(image, ['url'])
  const extra = { ...without(raw, ['type', 'image_url']), ...(Object.keys(inner).length === 0 ? {} : { image_url: inner }) }
  const [, mediaType, data] = dataUrl.exec(url) ?? []
  if (mediaType === undefined || data === undefined || mediaType === 'url')
    return { kind: 'image', mediaType: 'url', data: url, ...notes(extra) }
  return { kind: 'image', mediaType, data, ...notes(extra) }
}

/** A content part; undefined when the block has no place in content. */
export function writePart(block: Block, own: boolean): Json | undefined {
  const extra = own ? block.extra : {}
  if (block.kind === 'text') return { type: 'text', text: block.text, ...extra }
  if (block.kind === 'refusal') return { type: 'refusal', refusal: block.text, ...extra }
  if (block.kind === 'opaque') return own ? block.raw : undefined
  if (block.kind !== 'image') return undefined
  const url = block.mediaType === 'url' ? block.data : `data:${block.mediaType};base64,${block.data}`
  return { type: 'image_url', ...extra, image_url: { url, ...objectOf(extra?.['image_url']) } }
}

/** Content as it was spelled; made by hand or translated, a string where all is text (every server takes that) and a list otherwise. */
export function writeContent(
  blocks: readonly Block[],
  form: Json | undefined,
  own: boolean,
  separator: string,
): Json | undefined {
  if (blocks.length === 0 && form === 'absent') return undefined
  if (blocks.length === 0 && form === 'null') return null
  if (form === 'list' && own) return blocks.map(block => writePart(block, own)).filter(part => part !== undefined)
  const texts = blocks.flatMap(block => (block.kind === 'text' || block.kind === 'refusal' ? [block.text] : []))
  if (texts.length === blocks.length) return texts.join(separator)
  return blocks.map(block => writePart(block, own)).filter(part => part !== undefined)
}

/** Thinking that came as text. Empty or absent fields are not thinking; they stay in `extra`. */
export function readThinking(raw: JsonObject): Block[] {
  const blocks = new Map<string, string[]>()
  for (const field of thinkingFields) {
    const text = raw[field]
    if (typeof text === 'string' && text !== '') blocks.set(text, [...(blocks.get(text) ?? []), field])
  }
  return [...blocks].map(([text, fields]) => ({ kind: 'thinking', text, wire: { fields } }))
}

export function readToolCall(raw: Json): Block {
  const fields = objectOf(raw)
  const { id, type } = fields
  const isCustom = type === 'custom'
  const holderKey = isCustom ? 'custom' : 'function'
  const inputKey = isCustom ? 'input' : 'arguments'
  const holder = objectOf(fields[holderKey])
  const { name, [inputKey]: given } = holder
  if (typeof name !== 'string' || !(type === undefined || type === 'function' || isCustom))
    return { kind: 'opaque', type: textOf(type) ?? 'unknown', raw, wire: { slot: 'tool_calls' } }
  const inner = without(holder, ['name', inputKey])
  const extra = {
    ...without(fields, ['type', holderKey, ...(typeof id === 'string' ? ['id'] : [])]),
    ...(Object.keys(inner).length === 0 ? {} : { function: inner }),
  }
  const inputText = typeof given === 'string' ? given : given === undefined ? '' : printJson(given)
  const wire = defined({
    custom: isCustom ? true : undefined,
    type: type === undefined ? 'absent' : undefined,
    id: id === undefined ? 'absent' : undefined,
    arguments: given === undefined ? 'absent' : typeof given === 'string' ? undefined : 'json',
  })
  // The input of a custom tool is free text, not JSON.
  const input = isCustom ? inputText : parseInput(inputText)
  return { kind: 'tool-call', id: textOf(id) ?? '', name, input, inputText, ...notes(extra, wire) }
}

export function writeToolCall(block: Extract<Block, { kind: 'tool-call' }>, own: boolean): JsonObject {
  const extra = own ? objectOf(block.extra) : {}
  const wire = own ? objectOf(block.wire) : {}
  const key = wire['custom'] === true ? 'custom' : 'function'
  const given = wire['arguments'] === 'json' ? block.input : inputTextOf(block)
  const holder = {
    name: block.name,
    ...(wire['arguments'] === 'absent' ? {} : { [key === 'custom' ? 'input' : 'arguments']: given }),
    ...objectOf(extra['function']),
  }
  return {
    ...(wire['id'] === 'absent' ? {} : { id: block.id }),
    ...(wire['type'] === 'absent' ? {} : { type: key }),
    [key]: holder,
    ...without(extra, ['function']),
  }
}

/** The exact text where there is one; calls made by hand may have only the value. */
function inputTextOf(block: Extract<Block, { kind: 'tool-call' }>): string {
  return block.inputText === '' && isObject(block.input) && Object.keys(block.input).length > 0
    ? printJson(block.input)
    : block.inputText
}
