// Blocks as plain JSON parts and back: how rows spell content that their format has no words for. Shared by the formats. Pure.
// Reading is total: a part of an unknown type is kept untouched as an opaque block.

import type { Block, Json, JsonObject, ToolDefinition } from '../../core/types.ts'
import { defined, isList, isObject, notes, objectOf, parseInput, printJson, textOf, without } from '../../protocols/_json.ts'

type ToolCall = Extract<Block, { kind: 'tool-call' }>

export function writePart(block: Block): JsonObject {
  switch (block.kind) {
    case 'text':
      return { type: 'text', text: block.text, ...block.extra }
    case 'refusal':
      return { type: 'refusal', refusal: block.text }
    case 'thinking':
      return writeThinking(block)
    case 'image':
      return { type: 'image', media_type: block.mediaType, data: block.data }
    case 'tool-call':
      return { type: 'tool_use', id: block.id, name: block.name, ...writeInput(block) }
    case 'tool-result':
      return { type: 'tool_result', tool_use_id: block.callId, content: writeContent(block.content), is_error: block.isError }
    case 'opaque':
      return { type: 'opaque', of: block.type, raw: block.raw }
  }
}

/** A summary that may be read can stand beside what may not. */
function writeThinking({ text, signature, redacted }: Extract<Block, { kind: 'thinking' }>): JsonObject {
  if (redacted === undefined) return defined({ type: 'thinking', thinking: text, signature })
  return defined({ type: 'redacted_thinking', data: redacted, thinking: text === '' ? undefined : text, signature })
}

/** The value, and the exact text where the value does not give it back. */
function writeInput({ input, inputText }: ToolCall): JsonObject {
  return { input, ...(input !== null && printJson(input) === inputText ? {} : { input_text: inputText }) }
}

export function readPart(raw: Json): Block {
  const part = objectOf(raw)
  return readers[textOf(part['type']) ?? '']?.(part) ?? { kind: 'opaque', type: textOf(part['type']) ?? 'unknown', raw }
}

const readers: Readonly<Record<string, (part: JsonObject) => Block | null>> = {
  text: part =>
    typeof part['text'] === 'string' ? { kind: 'text', text: part['text'], ...notes(without(part, ['type', 'text'])) } : null,
  refusal: part => (typeof part['refusal'] === 'string' ? { kind: 'refusal', text: part['refusal'] } : null),
  thinking: part =>
    typeof part['thinking'] === 'string' ? { kind: 'thinking', text: part['thinking'], ...signed(part['signature']) } : null,
  redacted_thinking: part =>
    typeof part['data'] === 'string'
      ? { kind: 'thinking', text: textOf(part['thinking']) ?? '', redacted: part['data'], ...signed(part['signature']) }
      : null,
  image: readImage,
  tool_use: part => {
    const { id, name, input, input_text: given } = part
    if (typeof name !== 'string' || input === undefined) return null
    return { kind: 'tool-call', id: textOf(id) ?? '', name, input, inputText: textOf(given) ?? printJson(input) }
  },
  tool_result: part => {
    const { tool_use_id: callId, content, is_error: isError } = part
    return { kind: 'tool-result', callId: textOf(callId) ?? '', content: readContent(content), isError: isError === true }
  },
  opaque: ({ of, raw }) => (raw === undefined ? null : { kind: 'opaque', type: textOf(of) ?? 'unknown', raw }),
}

function signed(signature: Json | undefined): { readonly signature?: string } {
  return typeof signature === 'string' ? { signature } : {}
}

/** Ours, and that of Anthropic Messages, which mini-vela leaves as it is in tool results. */
function readImage(part: JsonObject): Block | null {
  const source = objectOf(part['source'])
  const { media_type: mediaType, data } = isObject(part['source']) ? source : part
  if (typeof source['url'] === 'string') return { kind: 'image', mediaType: 'url', data: source['url'] }
  return typeof mediaType === 'string' && typeof data === 'string' ? { kind: 'image', mediaType, data } : null
}

/** Text alone is a string, glued; anything with images or unknown parts is a list. `findSplits` tells where texts were glued. */
export function writeContent(blocks: readonly Block[]): Json {
  const texts = blocks.filter(block => block.kind === 'text')
  return texts.length === blocks.length ? texts.map(block => block.text).join('') : blocks.map(writePart)
}

/** Where the second and later of several texts begin, in UTF-16 units. */
export function findSplits(blocks: readonly Block[]): number[] {
  const texts = blocks.flatMap(block => (block.kind === 'text' ? [block.text] : []))
  let end = 0
  return texts.slice(0, -1).map(text => {
    end += text.length
    return end
  })
}

/** The inverse of writeContent. */
export function readContent(content: Json | undefined, splits: Json | undefined = undefined): Block[] {
  if (isList(content)) return content.map(readPart)
  return typeof content === 'string' ? readTexts(content, splits) : []
}

export function readTexts(text: string, splits: Json | undefined): Block[] {
  const places = isList(splits) ? splits.filter(place => typeof place === 'number') : []
  if (text === '' && places.length === 0) return []
  const starts = [0, ...places]
  return starts.map((start, index) => ({ kind: 'text', text: text.slice(start, starts[index + 1]) }))
}

/** Arguments as most formats spell them, for readers that want a value; the exact text where there is none. */
export function argumentsOf(call: ToolCall): Json {
  return call.input ?? call.inputText
}

/** A tool call from its exact argument text. */
export function readCall(id: Json | undefined, name: Json | undefined, inputText: string): ToolCall {
  return { kind: 'tool-call', id: textOf(id) ?? '', name: textOf(name) ?? '', input: parseInput(inputText), inputText }
}

/** The shape of OpenAI's functions, whole schema and all. A tool of the provider's own has none: its definition stands beside. */
export function writeTool(tool: ToolDefinition): JsonObject {
  const known = { name: tool.name, description: tool.description, parameters: tool.schema }
  return { type: 'function', function: known, ...(tool.schema === null ? { raw: tool.raw } : {}) }
}

export function readTool(raw: Json): ToolDefinition {
  const tool = objectOf(raw)
  const { name, description, parameters } = objectOf(tool['function'])
  return {
    name: textOf(name) ?? '',
    description: textOf(description) ?? '',
    schema: parameters ?? null,
    raw: tool['raw'] ?? null,
  }
}
