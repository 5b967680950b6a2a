// Content parts of OpenAI Responses messages and tool outputs, wire to canonical and back: texts, refusals, images. What has no canonical
// word (files, audio, encrypted content) is opaque, untouched both ways. `wire.part` notes an unusual name of a text part. Pure.

import type { Block, Json, JsonObject } from '../core/types.ts'
import { isList, isObject, notes, objectOf, textOf, without } from './_json.ts'

/** What a text part is called unless noted: it depends on who speaks. */
export type TextType = 'input_text' | 'output_text'

const textTypes = ['input_text', 'output_text', 'text']
const dataUrl = /^data:([^;,]+);base64,([A-Za-z0-9+/=_-]*)$/

export function readPart(raw: Json, textType: TextType): Block {
  // `item` in a block's extra holds the fields of the message item that the block begins.
  if (isObject(raw) && !('item' in raw)) {
    const { type, text, refusal } = raw
    if (typeof type === 'string' && textTypes.includes(type) && typeof text === 'string')
      return { kind: 'text', text, ...notes(without(raw, ['type', 'text']), type === textType ? {} : { part: type }) }
    if (type === 'refusal' && typeof refusal === 'string' && textType === 'output_text')
      return { kind: 'refusal', text: refusal, ...notes(without(raw, ['type', 'refusal'])) }
    const image = type === 'input_image' ? readImage(raw) : null
    if (image) return image
  }
  return { kind: 'opaque', type: textOf(objectOf(raw)['type']) ?? 'unknown', raw, wire: { slot: 'content' } }
}

/** An image by file id is opaque: there is nothing to see. */
function readImage(raw: JsonObject): Block | null {
  const url = raw['image_url']
  if (typeof url !== 'string') return null
  const rest = notes(without(raw, ['type', 'image_url']))
  const [, mediaType, data] = dataUrl.exec(url) ?? []
  if (mediaType === undefined || data === undefined || mediaType === 'url')
    return { kind: 'image', mediaType: 'url', data: url, ...rest }
  return { kind: 'image', mediaType, data, ...rest }
}

/** Content that may be a string or a list. An empty string has no blocks. */
export function readContent(content: string | readonly Json[], textType: TextType): Block[] {
  if (typeof content !== 'string') return content.map(raw => readPart(raw, textType))
  return content === '' ? [] : [{ kind: 'text', text: content }]
}

/** undefined = the block has no place in content. */
export function writePart(block: Block, textType: TextType, own: boolean): Json | undefined {
  const extra = own ? without(objectOf(block.extra), ['item']) : {}
  const named = own ? textOf(block.wire?.['part']) : null
  switch (block.kind) {
    case 'text':
      return { type: named ?? textType, text: block.text, ...extra }
    case 'refusal':
      return textType === 'output_text'
        ? { type: 'refusal', refusal: block.text, ...extra }
        : { type: textType, text: block.text, ...extra }
    case 'image':
      return { type: 'input_image', image_url: writeUrl(block), ...(own ? {} : { detail: 'auto' }), ...extra }
    case 'opaque':
      return own && isPart(block) ? block.raw : undefined
    default:
      return undefined
  }
}

function writeUrl(image: Extract<Block, { kind: 'image' }>): string {
  return image.mediaType === 'url' ? image.data : `data:${image.mediaType};base64,${image.data}`
}

/** Whether a block stands inside a message; all others are items of their own. */
export function isPart(block: Block): boolean {
  if (block.kind === 'opaque') return block.wire?.['slot'] === 'content'
  return block.kind === 'text' || block.kind === 'refusal' || block.kind === 'image'
}

/** Content as it was spelled: a string only where that says the same as the list. */
export function writeContent(blocks: readonly Block[], form: Json | undefined, textType: TextType, own: boolean): Json {
  const [only] = blocks
  if (form === 'string' && blocks.length === 0) return ''
  if (form === 'string' && blocks.length === 1 && only?.kind === 'text' && isPlain(only)) return only.text
  return blocks.map(block => writePart(block, textType, own)).filter(part => part !== undefined)
}

function isPlain(block: Block): boolean {
  return Object.keys(without(objectOf(block.extra), ['item'])).length === 0
}

/** The texts of a list whose members are all plain parts of this type; null when they are not. */
export function readTexts(list: Json | undefined, type: string): string[] | null {
  if (!isList(list)) return null
  const texts = list.flatMap(part => {
    if (!isObject(part) || part['type'] !== type || Object.keys(part).length !== 2) return []
    return typeof part['text'] === 'string' ? [part['text']] : []
  })
  return texts.length === list.length ? texts : null
}
