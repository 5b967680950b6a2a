// Which strings of a stream's events are pieces of one longer text, and of which: deltas of an answer. Filled piece by piece they would
// fold to another filler than the whole answer has. Knows the shapes of all protocols' deltas; keeps what is open while a stream is read.

import { isUtf8 } from 'node:buffer'
import { findMember, findText, readLiteral, type Span, type StringSpan } from '../json-spans.ts'

export interface Fragment {
  readonly span: StringSpan
  /** Names the text it is a piece of. */
  readonly slot: string
  /** The whole is JSON: the arguments of a tool call. */
  readonly isJson: boolean
}

export interface FragmentReader {
  /** The fragments of the next event. */
  readonly read: (text: string, event: Span) => Fragment[]
}

export function createFragmentReader(): FragmentReader {
  const open: Open = { generations: new Map(), ids: new Map(), runs: new Map() }
  return {
    read: (text, event) => [
      ...readBlockDelta(open, text, event),
      ...readResponsesDelta(text, event),
      ...itemsOf(findMember(event, 'choices')).flatMap((choice, at) => readChoice(open, text, choice, at)),
      ...itemsOf(findMember(event, 'candidates') ?? findMember(findMember(event, 'response'), 'candidates')).flatMap(
        (candidate, at) => readCandidate(open, candidate, at),
      ),
      ...readConverseDelta(text, event),
    ],
  }
}

/** The model maker's own event in an event of Bedrock InvokeModel, and where its base64 stands. */
export interface Chunk {
  readonly span: StringSpan
  readonly text: string
}

export function findChunk(text: string, event: Span): Chunk | null {
  const span = findMember(event, 'bytes')
  if (span?.kind !== 'string') return null
  const base64 = readLiteral(text, span)
  const bytes = Buffer.from(base64, 'base64')
  // What does not come back the same is no base64, or of no text.
  return isUtf8(bytes) && bytes.toString('base64') === base64 ? { span, text: bytes.toString('utf8') } : null
}

interface Open {
  /** How often a block index has been opened. */
  readonly generations: Map<string, number>
  readonly ids: Map<string, string>
  readonly runs: Map<string, { kind: string; number: number }>
}

function itemsOf(span: Span | null): readonly Span[] {
  return span?.kind === 'array' ? span.items : []
}

function fragmentOf(holder: Span | null, key: string, slot: string, isJson = false): Fragment[] {
  const span = findMember(holder, key)
  return span?.kind === 'string' ? [{ span, slot: `${slot} ${key}`, isJson }] : []
}

function literalOf(text: string, holder: Span, key: string): string {
  const span = findMember(holder, key)
  if (span?.kind === 'number') return text.slice(span.start, span.end)
  return findText(text, holder, key) ?? ''
}

/** Anthropic Messages: blocks by index, opened anew by each start. */
function readBlockDelta(open: Open, text: string, event: Span): Fragment[] {
  const type = findText(text, event, 'type')
  if (type !== 'content_block_start' && type !== 'content_block_delta') return []
  const index = literalOf(text, event, 'index')
  const generation = (open.generations.get(index) ?? 0) + (type === 'content_block_start' ? 1 : 0)
  open.generations.set(index, generation)
  const holder = findMember(event, type === 'content_block_start' ? 'content_block' : 'delta')
  const slot = `block ${index} ${generation}`
  return [
    ...['text', 'thinking', 'signature'].flatMap(key => fragmentOf(holder, key, slot)),
    ...fragmentOf(holder, 'partial_json', slot, true),
  ]
}

/** OpenAI Responses: `delta` is the piece; the item and the part within it say of what. */
function readResponsesDelta(text: string, event: Span): Fragment[] {
  const type = findText(text, event, 'type') ?? ''
  if (!type.endsWith('.delta')) return []
  // Relays give the deltas of one item different ids.
  const item = literalOf(text, event, 'output_index') || literalOf(text, event, 'item_id')
  const of = [item, ...['content_index', 'summary_index'].map(key => literalOf(text, event, key))]
  return fragmentOf(event, 'delta', `${type} ${of.join(' ')}`, type.includes('_arguments'))
}

const choiceTexts = ['content', 'refusal', 'reasoning_content', 'reasoning', 'reasoning_text', 'thinking']

/** OpenAI Chat Completions. */
function readChoice(open: Open, text: string, choice: Span, at: number): Fragment[] {
  const delta = findMember(choice, 'delta')
  const slot = `choice ${literalOf(text, choice, 'index') || at}`
  return [
    ...choiceTexts.flatMap(key => fragmentOf(delta, key, slot)),
    ...fragmentOf(choice, 'text', slot),
    ...fragmentOf(findMember(delta, 'function_call'), 'arguments', slot, true),
    ...itemsOf(findMember(delta, 'tool_calls')).flatMap((call, place) => {
      const callSlot = nameCall(open, text, call, `${slot} call ${literalOf(text, call, 'index') || place}`)
      const asked = fragmentOf(findMember(call, 'function'), 'arguments', callSlot, true)
      return [...asked, ...fragmentOf(findMember(call, 'custom'), 'input', callSlot)]
    }),
    ...itemsOf(findMember(delta, 'reasoning_details')).flatMap(detail => {
      const of = `${slot} detail ${literalOf(text, detail, 'index')} ${literalOf(text, detail, 'type')}`
      return ['text', 'summary', 'data'].flatMap(key => fragmentOf(detail, key, of))
    }),
  ]
}

/** Some servers use one index for several calls; a new id begins a new one. */
function nameCall(open: Open, text: string, call: Span, slot: string): string {
  const id = findText(text, call, 'id') ?? ''
  const known = open.ids.get(slot)
  if (id !== '' && known !== id) {
    open.ids.set(slot, id)
    return `${slot} ${id}`
  }
  return `${slot} ${known ?? ''}`
}

/** Gemini: neighbouring text parts of one kind are one text, across chunks. */
function readCandidate(open: Open, candidate: Span, at: number): Fragment[] {
  const slot = `candidate ${at}`
  const run = open.runs.get(slot) ?? { kind: '', number: 0 }
  open.runs.set(slot, run)
  return itemsOf(findMember(findMember(candidate, 'content'), 'parts')).flatMap(part => {
    const isText = findMember(part, 'text')?.kind === 'string'
    const kind = !isText ? 'other' : findMember(part, 'thought') === null ? 'text' : 'thought'
    if (kind !== run.kind) run.number += 1
    run.kind = kind
    return fragmentOf(part, 'text', `${slot} ${run.number}`)
  })
}

/** Bedrock Converse. */
function readConverseDelta(text: string, event: Span): Fragment[] {
  const index = literalOf(text, event, 'contentBlockIndex')
  const delta = findMember(event, 'delta')
  if (index === '' || delta === null) return []
  const slot = `converse ${index}`
  return [
    ...fragmentOf(delta, 'text', slot),
    ...fragmentOf(findMember(delta, 'toolUse'), 'input', slot, true),
    ...['text', 'signature'].flatMap(key => fragmentOf(findMember(delta, 'reasoningContent'), key, slot)),
  ]
}
