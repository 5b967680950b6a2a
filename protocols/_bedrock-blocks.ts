// Content blocks of Bedrock Converse, wire to canonical and back: each is an object with one key that names its kind. What has no
// canonical word (documents, video, cache points, guarded content) is opaque: untouched both ways. Used by this protocol's files only. Pure.

import type { Block, Json, JsonObject } from '../core/types.ts'
import { defined, isList, isObject, notes, objectOf, parseInput, parseJson, printJson, textOf, without } from './_json.ts'

/** Whose words a block is written from. Foreign thinking has no signature: it is left out of requests and shown unsigned in answers. */
export type Origin = 'own' | 'foreign-request' | 'foreign-answer'

type BlockOf<K extends Block['kind']> = Extract<Block, { kind: K }>

/** Results hold no results; this only keeps hostile nesting off the stack. */
const levelsMax = 4

export function readBlock(raw: Json, level = 0): Block {
  const keys = Object.keys(objectOf(raw))
  const [key] = keys
  const block =
    keys.length === 1 && key !== undefined && level < levelsMax ? readKind(key, objectOf(raw)[key] ?? null, level) : null
  return block ?? { kind: 'opaque', type: key ?? 'unknown', raw }
}

function readKind(key: string, value: Json, level: number): Block | null {
  if (key === 'text') return typeof value === 'string' ? { kind: 'text', text: value } : null
  if (key === 'json') return readJsonContent(value)
  const fields = isObject(value) ? value : null
  if (fields === null) return null
  if (key === 'toolUse') return readToolUse(fields)
  if (key === 'toolResult') return readToolResult(fields, level)
  if (key === 'reasoningContent') return readReasoning(fields)
  if (key === 'citationsContent') return readCited(fields)
  return key === 'image' ? readImage(fields) : null
}

/** JSON in a result is shown as its text. */
function readJsonContent(value: Json): Block | null {
  const text = printJson(value)
  return text === '' ? null : { kind: 'text', text, wire: { form: 'json' } }
}

function readToolUse(fields: JsonObject): Block | null {
  const { toolUseId: id, name, input } = fields
  if (typeof id !== 'string' || typeof name !== 'string') return null
  const inputText = input === undefined ? '{}' : printJson(input)
  if (inputText === '') return null
  const rest = notes(without(fields, ['toolUseId', 'name', 'input']), input === undefined ? { input: 'absent' } : {})
  return { kind: 'tool-call', id, name, input: input === undefined ? {} : input, inputText, ...rest }
}

function readToolResult(fields: JsonObject, level: number): Block | null {
  const { toolUseId: callId, content, status } = fields
  if (typeof callId !== 'string' || !isList(content)) return null
  const known = status === undefined || status === 'success' || status === 'error'
  return {
    kind: 'tool-result',
    callId,
    content: content.map(part => readBlock(part, level + 1)),
    isError: status === 'error',
    ...notes(
      without(fields, ['toolUseId', 'content', ...(known ? ['status'] : [])]),
      status === 'success' ? { status: 'explicit' } : {},
    ),
  }
}

function readReasoning(fields: JsonObject): Block | null {
  const { reasoningText, redactedContent: redacted } = fields
  if (Object.keys(fields).length !== 1) return null
  if (typeof redacted === 'string') return { kind: 'thinking', text: '', redacted }
  const { text, signature, ...others } = objectOf(reasoningText)
  if (typeof text !== 'string' || Object.keys(others).length > 0) return null
  if (signature === undefined) return { kind: 'thinking', text }
  return typeof signature === 'string' ? { kind: 'thinking', text, signature } : null
}

function readCited({ content, citations, ...others }: JsonObject): Block | null {
  const [only] = isList(content) && content.length === 1 ? content : []
  const text = textOf(objectOf(only)['text'])
  if (text === null || Object.keys(objectOf(only)).length !== 1 || !isList(citations) || Object.keys(others).length > 0)
    return null
  return { kind: 'text', text, extra: { citations } }
}

function readImage({ format, source, ...others }: JsonObject): Block | null {
  const bytes = objectOf(source)['bytes']
  if (typeof format !== 'string' || typeof bytes !== 'string') return null
  if (Object.keys(others).length > 0 || Object.keys(objectOf(source)).length !== 1 || format === '') return null
  return { kind: 'image', mediaType: `image/${format}`, data: bytes }
}

export function writeBlocks(blocks: readonly Block[], origin: Origin): Json[] {
  return blocks.map(block => writeBlock(block, origin)).filter(raw => raw !== undefined)
}

/** undefined = this protocol cannot say it. */
export function writeBlock(block: Block, origin: Origin): Json | undefined {
  const extra = origin === 'own' ? objectOf(block.extra) : {}
  switch (block.kind) {
    case 'text':
      return writeText(block, origin, extra)
    case 'refusal':
      return { text: block.text }
    case 'thinking':
      return writeThinking(block, origin)
    case 'tool-call':
      return { toolUse: { ...writeCall(block, origin), ...writeInput(block), ...extra } }
    case 'tool-result':
      return { toolResult: { ...writeResult(block, origin), ...extra } }
    case 'image':
      // Images by URL have no place here.
      return block.mediaType === 'url'
        ? undefined
        : { image: { format: block.mediaType.replace(/^image\//, ''), source: { bytes: block.data } } }
    case 'opaque':
      return origin === 'own' ? block.raw : undefined
  }
}

function writeText(block: BlockOf<'text'>, origin: Origin, extra: JsonObject): JsonObject | undefined {
  if (origin === 'foreign-request' && block.text === '') return undefined
  const { citations } = extra
  if (isList(citations)) return { citationsContent: { content: [{ text: block.text }], citations } }
  const parsed = origin === 'own' && block.wire?.['form'] === 'json' ? parseJson(block.text) : undefined
  return parsed === undefined ? { text: block.text } : { json: parsed }
}

function writeThinking(block: BlockOf<'thinking'>, origin: Origin): JsonObject | undefined {
  if (origin === 'foreign-request' || (origin === 'foreign-answer' && block.text === '')) return undefined
  if (origin === 'own' && block.redacted !== undefined) return { reasoningContent: { redactedContent: block.redacted } }
  const signature = origin === 'own' ? block.signature : undefined
  return { reasoningContent: { reasoningText: defined({ text: block.text, signature }) } }
}

/** A call without its input. */
export function writeCall(block: BlockOf<'tool-call'>, origin: Origin): JsonObject {
  return { toolUseId: writeCallId(block.id, origin), name: block.name }
}

/** A call that was cut off has no input; the wire wants one. */
function writeInput(block: BlockOf<'tool-call'>): JsonObject {
  if (block.wire?.['input'] === 'absent' && block.inputText === '{}') return {}
  return { input: block.input ?? (block.inputText === 'null' ? null : (parseInput(block.inputText) ?? {})) }
}

function writeResult(block: BlockOf<'tool-result'>, origin: Origin): JsonObject {
  const status = block.isError ? 'error' : block.wire?.['status'] === 'explicit' ? 'success' : undefined
  return defined({
    toolUseId: writeCallId(block.callId, origin),
    content: writeBlocks(block.content, origin).map(part => (origin === 'own' ? part : inResult(part))),
    status: origin === 'own' || block.isError ? status : undefined,
  })
}

/** Results hold text, JSON and images only. */
function inResult(part: Json): Json {
  const fields = objectOf(part)
  return 'text' in fields || 'image' in fields ? part : { text: printJson(part) }
}

/** Only these characters are accepted in an id here; both the call and its result pass through this, so they still match. */
function writeCallId(id: string, origin: Origin): string {
  if (origin === 'own') return id
  return id === '' ? 'call' : id.replaceAll(/[^a-zA-Z0-9_-]/g, '_')
}
