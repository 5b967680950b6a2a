// Blocks of one message or result as ATIF's message, reasoning, tool calls and results, and back. What ATIF has no field for (order,
// signatures, opaque blocks) stands in a layout, which is left out where reading without it gives the same blocks. Pure.

import { createHash } from 'node:crypto'
import type { Block, Json, JsonObject } from '../../core/types.ts'
import { defined, isList, isObject, objectOf, parseInput, printJson, textOf } from '../../protocols/_json.ts'
import { writeCanonical } from '../identity.ts'

type ToolCall = Extract<Block, { kind: 'tool-call' }>
export type ToolResult = Extract<Block, { kind: 'tool-result' }>

/** Base64 by path: ATIF names files, and one document must hold all. */
export type Images = Record<string, string>

/** Where a block finds a field of its own; absent = it has none here and is kept in the layout. */
export interface Places {
  readonly images: Images
  readonly thinking?: string[]
  readonly calls?: JsonObject[]
  /** Gives back what the layout says of the place. */
  readonly placeResult?: (result: ToolResult, position: number) => Json
}

/** What an entry without attributes says: the next part, call or result, as it is. */
const extensions: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
  'image/webp': 'webp',
}

export interface Content {
  readonly message: Json
  /** One entry per block; null = the order reading assumes: reasoning, parts, calls, results. */
  readonly layout: readonly Json[] | null
}

export function writeContent(blocks: readonly Block[], places: Places): Content {
  const parts: JsonObject[] = []
  const isOnlyThought = blocks.filter(block => block.kind === 'thinking').length === 1
  const layout = blocks.map((block, position) => writeBlock(block, { position, parts, isOnlyThought, ...places }))
  const [only] = parts
  const text = only?.['type'] === 'text' ? textOf(only['text']) : null
  const message = parts.length === 0 ? '' : parts.length === 1 && text !== null && text !== '' ? text : parts
  const assumed = assumeLayout(parts, places.thinking?.[0] !== undefined, places.calls?.length ?? 0)
  const results = layout.slice(assumed.length)
  const isAssumed = isSame(layout.slice(0, assumed.length), assumed) && results.every(entry => entry === 'tool-result')
  return { message, layout: isAssumed ? null : layout }
}

function isSame(a: readonly Json[], b: readonly Json[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function assumeLayout(parts: readonly JsonObject[], hasThinking: boolean, calls: number): Json[] {
  const kinds = parts.map(part => (part['type'] === 'image' ? 'image' : 'text'))
  return [...(hasThinking ? ['thinking'] : []), ...kinds, ...Array.from({ length: calls }, () => 'tool-call')]
}

interface BlockPlaces extends Places {
  readonly position: number
  readonly parts: JsonObject[]
  readonly isOnlyThought: boolean
}

function writeBlock(block: Block, places: BlockPlaces): Json {
  const { parts } = places
  switch (block.kind) {
    case 'text':
    case 'refusal':
      parts.push({ type: 'text', text: block.text })
      return describe(block.kind, { extra: block.extra })
    case 'thinking':
      return places.thinking === undefined ? keep(block) : writeThinking(block, places.thinking, places.isOnlyThought)
    case 'tool-call':
      if (places.calls === undefined) return keep(block)
      places.calls.push(writeToolCall(block))
      return block.kind
    case 'tool-result':
      return places.placeResult?.(block, places.position) ?? keep(block)
    case 'image': {
      const source = nameImage(block, places.images)
      if (source !== null) parts.push({ type: 'image', source })
      else parts.push({ type: 'text', text: `[image of type ${block.mediaType}]` })
      if (source === null) return { ...keep(block), placeholder: true }
      return describe(block.kind, { extra: block.mediaType === 'url' ? undefined : block.extra })
    }
    case 'opaque':
      return keep(block)
  }
}

function describe(kind: string, attributes: Readonly<Record<string, Json | undefined>>): Json {
  const known = defined(attributes)
  return Object.keys(known).length === 0 ? kind : { kind, ...known }
}

/** As it is, without the notes on how the wire spelled it. */
function keep(block: Block): JsonObject {
  return { kind: 'kept', block: dropWire(block) }
}

export function dropWire(block: Block): JsonObject {
  const { wire: _, ...rest } = block
  const plain: JsonObject = rest
  return rest.kind === 'tool-result' ? { ...plain, content: rest.content.map(dropWire) } : plain
}

function writeThinking(block: Extract<Block, { kind: 'thinking' }>, texts: string[], isOnly: boolean): Json {
  const { text, signature, redacted, extra } = block
  const isPlain = text !== '' && isOnly
  if (text !== '') texts.push(text)
  const attributes = defined({ signature, redacted, extra })
  return isPlain && Object.keys(attributes).length === 0 ? 'thinking' : { kind: 'thinking', chars: text.length, ...attributes }
}

/** ATIF's source of an image; null for a kind of image it does not know. */
function nameImage({ mediaType, data, extra }: Extract<Block, { kind: 'image' }>, images: Images): JsonObject | null {
  // A file that a document read before had beside it.
  const foreign = textOf(extra?.['media_type'])
  if (mediaType === 'url' && foreign !== null && Object.keys(extra ?? {}).length === 1 && extensions[foreign] !== undefined)
    return { media_type: foreign, path: data }
  const extension = extensions[mediaType]
  if (extension === undefined) return null
  const path = `images/${createHash('sha256').update(data).digest('hex').slice(0, 24)}.${extension}`
  images[path] = data
  return { media_type: mediaType, path }
}

function writeToolCall({ id, name, input, inputText, extra }: ToolCall): JsonObject {
  const isPlain = isObject(input) && printJson(input) === inputText
  const isImplied = isPlain || writeCanonical(parseInput(inputText)) === writeCanonical(input)
  const notes = defined({
    arguments_text: isPlain ? undefined : inputText,
    input: isImplied ? undefined : input,
    block: extra,
  })
  return {
    tool_call_id: id,
    function_name: name,
    arguments: isObject(input) ? input : {},
    ...(Object.keys(notes).length === 0 ? {} : { extra: notes }),
  }
}

export function readToolCall(call: JsonObject, isOurs: boolean): Block {
  const { tool_call_id: id, function_name: name, arguments: given = {}, extra } = call
  const notes = isOurs ? objectOf(extra) : {}
  const inputText = textOf(notes['arguments_text'])
  // Null is a value of its own: a text that is no JSON.
  const input = notes['input'] !== undefined ? notes['input'] : inputText === null ? given : readArguments(inputText, given)
  const kept = isOurs ? notes['block'] : extra === undefined ? undefined : { atif: { extra } }
  return {
    kind: 'tool-call',
    id: textOf(id) ?? '',
    name: textOf(name) ?? '',
    input,
    inputText: inputText ?? printJson(given),
    ...(isObject(kept) ? { extra: kept } : {}),
  }
}

/** The very value that was written, where the text gives it back. */
function readArguments(inputText: string, given: Json): Json {
  const parsed = parseInput(inputText)
  return isObject(parsed) ? given : parsed
}

export interface WrittenContent {
  readonly message: Json | undefined
  readonly layout: Json | undefined
  readonly reasoning?: string
  readonly calls?: readonly Block[]
  /** The result at a position of the message's blocks. */
  readonly results?: ReadonlyArray<Block>
  readonly readResult?: (position: number) => Block | undefined
  readonly images: JsonObject
}

export function readContent(written: WrittenContent): Block[] {
  const { message, reasoning = '', calls = [], results = [] } = written
  const parts = isList(message) ? message.map(objectOf) : typeof message === 'string' && message !== '' ? [{ text: message }] : []
  const assumed = [...assumeLayout(parts, reasoning !== '', calls.length), ...results.map(() => 'tool-result')]
  const layout = isList(written.layout) ? written.layout : assumed
  const next: Cursor = { part: 0, call: 0, result: 0, chars: 0 }
  const takePart = (): JsonObject => parts[next.part++] ?? {}
  return layout.flatMap((entry, position): readonly Block[] => {
    const { kind, extra, ...rest } = isObject(entry) ? entry : { kind: entry }
    const kept = isObject(extra) ? { extra } : {}
    switch (kind) {
      case 'text':
      case 'refusal':
        return [{ kind, text: textOf(takePart()['text']) ?? '', ...kept }]
      case 'image':
        return [{ ...readImage(takePart(), written.images), ...kept }]
      case 'thinking':
        return [{ ...readThinking(reasoning, rest, next), ...kept }]
      case 'tool-call':
        return calls.slice(next.call, ++next.call)
      case 'tool-result':
        return asList(rest['elsewhere'] === true ? written.readResult?.(position) : results[next.result++])
      default:
        if (rest['placeholder'] === true) takePart()
        return asList(rest['block'] as unknown as Block | undefined)
    }
  })
}

/** How much of each field has been read. */
interface Cursor {
  part: number
  call: number
  result: number
  chars: number
}

function readThinking(reasoning: string, entry: JsonObject, next: Cursor): Block {
  const { chars, signature, redacted } = entry
  const length = typeof chars === 'number' ? chars : reasoning.length
  const text = reasoning.slice(next.chars, next.chars + length)
  next.chars += length === 0 ? 0 : length + separator.length
  return {
    kind: 'thinking',
    text,
    ...(typeof signature === 'string' ? { signature } : {}),
    ...(typeof redacted === 'string' ? { redacted } : {}),
  }
}

function asList(block: Block | undefined): readonly Block[] {
  return block === undefined ? [] : [block]
}

/** Between several thoughts of one answer. */
const separator = '\n\n'

export function joinThinking(texts: readonly string[]): string | undefined {
  return texts.length === 0 ? undefined : texts.join(separator)
}

function readImage(part: JsonObject, images: JsonObject): Extract<Block, { kind: 'image' }> {
  const source = objectOf(part['source'])
  const path = textOf(source['path']) ?? ''
  const mediaType = textOf(source['media_type']) ?? ''
  const data = textOf(images[path])
  if (data !== null) return { kind: 'image', mediaType, data }
  return { kind: 'image', mediaType: 'url', data: path, extra: { media_type: mediaType } }
}
