// Parts of Gemini contents, wire to canonical and back. A thoughtSignature stays on whichever part bears it. What has no canonical word
// (code execution, audio, video, whatever comes next) is opaque: untouched both ways. Used by the files of this protocol only. Pure.

import type { Block, Json, JsonObject } from '../core/types.ts'
import { defined, isObject, notes, objectOf, parseInput, parseJson, printJson, textOf, without } from './_json.ts'

/** Whose words a block is written from. Foreign thinking has no signature: out of requests it is left, in answers it is shown unsigned. */
export type Origin = 'own' | 'foreign-request' | 'foreign-answer'

type BlockOf<K extends Block['kind']> = Extract<Block, { kind: K }>

/** Of these a part holds one; the other keys describe it. */
const dataKeys = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
]

/** Names the tool calls of one message, and results, that came without an id: by their place, so that the same bytes get the same names. */
export interface CallNames {
  readonly nameCall: (tool: string) => string
  readonly nameResult: (tool: string) => string
}

export function readPart(raw: Json, names: CallNames): Block {
  const keys = isObject(raw) ? dataKeys.filter(key => key in raw) : []
  const [key] = keys
  const block = isObject(raw) && keys.length === 1 && key !== undefined ? readKnown(raw, key, names) : null
  return block ?? { kind: 'opaque', type: key ?? firstKey(raw) ?? 'unknown', raw }
}

function firstKey(raw: Json): string | undefined {
  return Object.keys(objectOf(raw)).find(key => key !== 'thought' && key !== 'thoughtSignature')
}

function readKnown(raw: JsonObject, key: string, names: CallNames): Block | null {
  if (key === 'text') return readText(raw)
  if (key === 'functionCall') return readCall(raw, objectOf(raw[key]), names)
  if (key === 'functionResponse') return readResult(raw, objectOf(raw[key]), names)
  if (key === 'inlineData' || key === 'fileData') return readImage(raw, key)
  return null
}

function readText(raw: JsonObject): Block | null {
  const { text, thought, thoughtSignature: signature } = raw
  if (typeof text !== 'string') return null
  if (thought !== true) return { kind: 'text', text, ...notes(without(raw, ['text'])) }
  if (typeof signature !== 'string') return { kind: 'thinking', text, ...notes(without(raw, ['text', 'thought'])) }
  return { kind: 'thinking', text, signature, ...notes(without(raw, ['text', 'thought', 'thoughtSignature'])) }
}

/** Arguments that arrive in pieces (`partialArgs`) are no call yet. */
function readCall(raw: JsonObject, call: JsonObject, names: CallNames): Block | null {
  const { id, name, args } = call
  if (typeof name !== 'string' || Object.keys(without(call, ['id', 'name', 'args'])).length > 0) return null
  const known = idNote(id)
  if (known === null) return null
  const callId = typeof id === 'string' && id !== '' ? id : names.nameCall(name)
  const wire = { ...known, ...(args === undefined ? { args: 'absent' } : {}) }
  const inputText = printJson(args ?? (args === undefined ? {} : null))
  if (inputText === '') return null
  const input = args === undefined ? {} : args
  return { kind: 'tool-call', id: callId, name, input, inputText, ...notes(without(raw, ['functionCall']), wire) }
}

/** How an id was spelled when it was not there; null when it is none. */
function idNote(id: Json | undefined): JsonObject | null {
  if (id === undefined) return { id: 'absent' }
  if (typeof id !== 'string') return null
  return id === '' ? { id: 'empty' } : {}
}

/** Where agents put the text of a result; `error` also says what it is. */
const resultKeys = ['output', 'error', 'result', 'content']

function readResult(raw: JsonObject, result: JsonObject, names: CallNames): Block | null {
  const { id, name, response } = result
  const known = idNote(id)
  if (typeof name !== 'string' || !isObject(response) || known === null) return null
  const callId = typeof id === 'string' && id !== '' ? id : names.nameResult(name)
  const keys = Object.keys(response)
  const key = keys.length === 1 ? resultKeys.find(candidate => typeof response[candidate] === 'string') : undefined
  const text = key === undefined ? printJson(response) : textOf(response[key])
  if (text === null || (key === undefined && text === '')) return null
  const others = without(result, ['id', 'name', 'response'])
  const extra = {
    ...without(raw, ['functionResponse']),
    ...(Object.keys(others).length === 0 ? {} : { functionResponse: others }),
  }
  return {
    kind: 'tool-result',
    callId,
    content: [{ kind: 'text', text }],
    isError: 'error' in response,
    ...notes(extra, { ...known, name, response: key ?? 'json' }),
  }
}

function readImage(raw: JsonObject, key: 'inlineData' | 'fileData'): Block | null {
  const { mimeType, data, fileUri, ...others } = objectOf(raw[key])
  if (Object.keys(others).length > 0 || typeof mimeType !== 'string' || !mimeType.startsWith('image/')) return null
  const beside = without(raw, [key])
  if (key === 'inlineData')
    return typeof data === 'string' && fileUri === undefined
      ? { kind: 'image', mediaType: mimeType, data, ...notes(beside) }
      : null
  if (typeof fileUri !== 'string' || data !== undefined) return null
  return { kind: 'image', mediaType: 'url', data: fileUri, ...notes(beside, { mimeType }) }
}

/** undefined = this protocol cannot say it. `nameOf` tells which tool a result's call asked for. */
export function writePart(block: Block, origin: Origin, nameOf: (callId: string) => string): Json[] {
  const extra = origin === 'own' ? objectOf(block.extra) : {}
  switch (block.kind) {
    case 'text':
      return origin === 'foreign-request' && block.text === '' ? [] : [{ text: block.text, ...extra }]
    case 'refusal':
      return [{ text: block.text }]
    case 'thinking':
      return writeThinking(block, origin, extra)
    case 'tool-call':
      return [{ functionCall: writeCall(block), ...extra }]
    case 'tool-result':
      return writeResult(block, origin, extra, nameOf)
    case 'image':
      return [{ ...writeImage(block), ...extra }]
    case 'opaque':
      return origin === 'own' ? [block.raw] : []
  }
}

function writeThinking(block: BlockOf<'thinking'>, origin: Origin, extra: JsonObject): JsonObject[] {
  if (origin === 'own') {
    if (block.redacted !== undefined) return []
    return [{ ...defined({ text: block.text, thought: true, thoughtSignature: block.signature }), ...extra }]
  }
  return origin === 'foreign-request' || block.text === '' ? [] : [{ text: block.text, thought: true }]
}

export function writeCall(block: BlockOf<'tool-call'>): JsonObject {
  const { wire } = block
  const absent = wire?.['args'] === 'absent' && block.inputText === '{}'
  const input = block.input ?? (block.inputText === 'null' ? null : (parseInput(block.inputText) ?? {}))
  return defined({ id: writeId(block.id, wire), name: block.name, args: absent ? undefined : input })
}

function writeId(id: string, wire: JsonObject | undefined): string | undefined {
  const spelled = wire?.['id']
  if (spelled === 'empty') return ''
  return spelled === 'absent' || id === '' ? undefined : id
}

function writeResult(
  block: BlockOf<'tool-result'>,
  origin: Origin,
  extra: JsonObject,
  nameOf: (callId: string) => string,
): JsonObject[] {
  const { functionResponse: others, ...beside } = extra
  const wire = origin === 'own' ? block.wire : undefined
  const name = textOf(wire?.['name']) ?? nameOf(block.callId)
  const id = writeId(block.callId, wire)
  const result = { ...defined({ id, name, response: writeResponseObject(block, wire) }), ...objectOf(others) }
  const images =
    wire?.['response'] !== undefined ? [] : block.content.flatMap(part => (part.kind === 'image' ? [writeImage(part)] : []))
  return [{ functionResponse: result, ...beside }, ...images]
}

function writeResponseObject(block: BlockOf<'tool-result'>, wire: JsonObject | undefined): JsonObject {
  const form = textOf(wire?.['response'])
  const [only] = block.content
  const text = block.content.length === 1 && only?.kind === 'text' ? only.text : null
  if (form === 'json' && text !== null) {
    const parsed = parseJson(text)
    if (isObject(parsed)) return parsed
  }
  if (form !== null && form !== 'json' && text !== null) return { [form]: text }
  return { [block.isError ? 'error' : 'output']: block.content.map(resultText).join('\n') }
}

/** What a result holds beside text and images (references, documents) is handed on as its JSON, so that the model still sees it. */
function resultText(block: Block): string {
  if (block.kind === 'text' || block.kind === 'refusal') return block.text
  if (block.kind === 'image') return '(image beside this result)'
  return block.kind === 'opaque' ? printJson(block.raw) : ''
}

function writeImage(block: BlockOf<'image'>): JsonObject {
  if (block.mediaType !== 'url') return { inlineData: { mimeType: block.mediaType, data: block.data } }
  return { fileData: defined({ mimeType: textOf(block.wire?.['mimeType']) ?? undefined, fileUri: block.data }) }
}

/** Names by place: the n-th call of a message that lacks an id is `<tool>_<n>`; results are paired by tool, then by order. */
export function createCallNames(): CallNames & { readonly nextMessage: () => void } {
  let calls = 0
  let open: Array<{ readonly tool: string; readonly id: string }> = []
  return {
    nextMessage: () => {
      calls = 0
      open = []
    },
    nameCall: tool => {
      const id = `${tool}_${calls++}`
      open.push({ tool, id })
      return id
    },
    nameResult: tool => {
      const at = open.findIndex(call => call.tool === tool)
      const [found] = at < 0 ? [] : open.splice(at, 1)
      return found?.id ?? `${tool}_0`
    },
  }
}
