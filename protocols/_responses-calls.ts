// Items of OpenAI Responses that are one block each: tool calls of every kind, their outputs, reasoning. Wire to canonical and back.
// `wire.form` notes which kind of call or output it was. Encrypted reasoning is kept exactly and never made up. Shapes that are not the
// documented ones are left to the caller, which keeps them opaque. Pure.

import type { Block, Json, JsonObject } from '../core/types.ts'
import { isList, isObject, notes, parseInput, printJson, textOf, without } from './_json.ts'
import { readContent, readTexts, writeContent, writePart } from './_responses-parts.ts'

type ToolCall = Extract<Block, { kind: 'tool-call' }>
type ToolResult = Extract<Block, { kind: 'tool-result' }>
type Thinking = Extract<Block, { kind: 'thinking' }>

/** Calls whose input is a JSON value in a field of its own; they have no name, so the tool's stands here. */
const typedCalls: Readonly<Record<string, { readonly name: string; readonly key: string }>> = {
  local_shell_call: { name: 'local_shell', key: 'action' },
  shell_call: { name: 'shell', key: 'action' },
  apply_patch_call: { name: 'apply_patch', key: 'operation' },
  computer_call: { name: 'computer', key: 'action' },
  tool_search_call: { name: 'tool_search', key: 'arguments' },
}

/** null when it is no call that the agent has to answer, or not of the documented shape. */
export function readCall(raw: JsonObject): Block | null {
  const { type, call_id: id, name } = raw
  if (typeof id !== 'string' || typeof type !== 'string') return null
  const typed = Object.hasOwn(typedCalls, type) ? typedCalls[type] : undefined
  if (typed !== undefined) {
    const input = raw[typed.key]
    if (!isObject(input)) return null
    const extra = without(raw, ['type', 'call_id', typed.key])
    return { kind: 'tool-call', id, name: typed.name, input, inputText: printJson(input), ...notes(extra, { form: type }) }
  }
  const key = type === 'function_call' ? 'arguments' : type === 'custom_tool_call' ? 'input' : null
  const inputText = key === null ? null : textOf(raw[key])
  if (key === null || inputText === null || typeof name !== 'string') return null
  const extra = without(raw, ['type', 'call_id', 'name', key])
  // The input of a custom tool is free text, not JSON.
  if (key === 'input') return { kind: 'tool-call', id, name, input: inputText, inputText, ...notes(extra, { form: type }) }
  return { kind: 'tool-call', id, name, input: parseInput(inputText), inputText, ...notes(extra) }
}

/** Free text is not JSON: the JSON text of a string has quotes. */
export function isFreeText(call: ToolCall): boolean {
  return call.wire?.['form'] === 'custom_tool_call' || (typeof call.input === 'string' && call.input === call.inputText)
}

export function writeCall(block: ToolCall, own: boolean): JsonObject {
  const extra = own ? block.extra : {}
  const form = (own ? textOf(block.wire?.['form']) : null) ?? guessForm(block)
  const typed = Object.hasOwn(typedCalls, form) ? typedCalls[form] : undefined
  if (typed !== undefined) return { type: form, call_id: block.id, [typed.key]: block.input, ...extra }
  const head = { type: form, call_id: block.id, name: block.name }
  return form === 'custom_tool_call'
    ? { ...head, input: block.inputText, ...extra }
    : { ...head, arguments: inputTextOf(block), ...extra }
}

function guessForm(block: ToolCall): string {
  if (isFreeText(block)) return 'custom_tool_call'
  const isExec = block.name === 'local_shell' && isObject(block.input) && block.input['type'] === 'exec'
  return isExec ? 'local_shell_call' : 'function_call'
}

/** The exact text where there is one; calls made by hand may have only the value. */
function inputTextOf(block: ToolCall): string {
  return block.inputText === '' && isObject(block.input) && Object.keys(block.input).length > 0
    ? printJson(block.input)
    : block.inputText
}

/** Where the output of each kind stands. */
const outputKeys: Readonly<Record<string, string>> = {
  function_call_output: 'output',
  custom_tool_call_output: 'output',
  local_shell_call_output: 'output',
  shell_call_output: 'output',
  apply_patch_call_output: 'output',
  computer_call_output: 'output',
  tool_search_output: 'tools',
}

export function readOutput(raw: JsonObject): Block | null {
  const type = textOf(raw['type']) ?? ''
  const key = Object.hasOwn(outputKeys, type) ? outputKeys[type] : undefined
  if (key === undefined) return null
  // The output of a local shell names its call by `id` in one version of the API.
  const idKey = type === 'local_shell_call_output' && raw['call_id'] === undefined ? 'id' : 'call_id'
  const callId = raw[idKey]
  if (typeof callId !== 'string') return null
  const output = raw[key]
  const wire: Record<string, Json> = { output: outputForm(output) }
  if (type !== 'function_call_output') wire['form'] = type
  if (idKey !== 'call_id') wire['id'] = idKey
  const extra = without(raw, ['type', idKey, key])
  return { kind: 'tool-result', callId, content: readOutputContent(output), isError: false, ...notes(extra, wire) }
}

function outputForm(output: Json | undefined): string {
  if (output === undefined) return 'absent'
  if (typeof output === 'string') return 'string'
  return isList(output) ? 'list' : 'value'
}

function readOutputContent(output: Json | undefined): Block[] {
  if (output === undefined) return []
  if (typeof output === 'string' || isList(output)) return readContent(output, 'input_text')
  return [{ kind: 'opaque', type: 'output', raw: output }]
}

export function writeOutput(block: ToolResult, own: boolean, custom = false): JsonObject {
  const wire = own ? (block.wire ?? {}) : {}
  const type = textOf(wire['form']) ?? (custom ? 'custom_tool_call_output' : 'function_call_output')
  const idKey = textOf(wire['id']) ?? 'call_id'
  const [first] = block.content
  const head = { type, [idKey]: block.callId }
  const extra = own ? block.extra : {}
  if (wire['output'] === 'absent' && block.content.length === 0) return { ...head, ...extra }
  const isValue = wire['output'] === 'value' && first?.kind === 'opaque'
  const output = isValue ? first.raw : writeOutputContent(block.content, wire['output'], own)
  return { ...head, [outputKeys[type] ?? 'output']: output, ...extra }
}

/** Made by hand or translated: a string where all is text, which every server takes; otherwise a list. */
function writeOutputContent(content: readonly Block[], form: Json | undefined, own: boolean): Json {
  if (form !== undefined) return writeContent(content, form, 'input_text', own)
  const sayable = content.map(block =>
    block.kind === 'opaque' ? ({ kind: 'text', text: printJson(block.raw) } as const) : block,
  )
  const texts = sayable.flatMap(block => (block.kind === 'text' || block.kind === 'refusal' ? [block.text] : []))
  if (texts.length === sayable.length) return texts.join('\n')
  return sayable.map(block => writePart(block, 'input_text', own)).filter(part => part !== undefined)
}

const separator = '\n\n'

/**
 * The text is the reasoning itself where a server shows it, otherwise its summary. What may only be read by the provider is `redacted`.
 * Lists with unusual members stay in `extra` as they came.
 */
export function readReasoning(raw: JsonObject): Block | null {
  if (raw['type'] !== 'reasoning') return null
  const { content, summary, encrypted_content: encrypted } = raw
  const shown = readTexts(content, 'reasoning_text')
  const key = shown !== null && shown.length > 0 ? 'content' : 'summary'
  const texts = key === 'content' ? shown : readTexts(summary, 'summary_text')
  const redacted = typeof encrypted === 'string' ? { redacted: encrypted } : {}
  const read = ['type', ...(texts === null ? [] : [key]), ...(typeof encrypted === 'string' ? ['encrypted_content'] : [])]
  const wire = texts === null ? { list: 'extra' } : { list: key, lengths: texts.map(text => text.length) }
  const text = (texts ?? [...looseTexts(content), ...looseTexts(summary)]).join(separator)
  return { kind: 'thinking', text, ...redacted, ...notes(without(raw, read), wire) }
}

function looseTexts(list: Json | undefined): string[] {
  if (!isList(list)) return []
  return list.flatMap(part => (isObject(part) && typeof part['text'] === 'string' ? [part['text']] : []))
}

export function writeReasoning(block: Thinking, own: boolean): JsonObject {
  const wire = own ? (block.wire ?? {}) : {}
  const key = wire['list'] === 'content' ? 'content' : 'summary'
  const type = key === 'content' ? 'reasoning_text' : 'summary_text'
  const parts: JsonObject[] = splitText(block.text, wire['lengths']).map(text => ({ type, text }))
  return {
    type: 'reasoning',
    ...(wire['list'] === 'extra' ? {} : { [key]: parts }),
    ...(own && block.redacted !== undefined ? { encrypted_content: block.redacted } : {}),
    ...(own ? block.extra : {}),
  }
}

/** The parts as they were; one part when the text is no longer the one that was read. */
function splitText(text: string, lengths: Json | undefined): string[] {
  const whole = text === '' ? [] : [text]
  if (!isList(lengths)) return whole
  const parts: string[] = []
  let at = 0
  for (const length of lengths) {
    if (typeof length !== 'number') return whole
    parts.push(text.slice(at, at + length))
    at += length + separator.length
  }
  return parts.join(separator) === text ? parts : whole
}
