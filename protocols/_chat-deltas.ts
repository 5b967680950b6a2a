// One choice of a stream: its deltas gathered into the message that a whole answer would have held. Tool calls are told apart by index,
// and by id where servers reuse an index or send none. Text pieces are joined once, so that a long answer costs linear time.
// Used by _chat-stream.ts only. Pure.

import type { Json, JsonObject } from '../core/types.ts'
import { isList, isObject, objectOf, textOf, without } from './_json.ts'

type Field = { readonly pieces: string[] } | { readonly list: Json[] } | { readonly value: Json }

interface OpenCall {
  readonly index: Json | undefined
  id: string | null
  readonly fields: Map<string, Json>
  readonly holder: Map<string, Json>
  readonly input: Map<string, string[]>
  /** `function` or `custom`, once one was seen. */
  holderKey: string | null
  /** An element that is no object: kept as it is. */
  readonly raw: Json | undefined
}

export interface OpenChoice {
  readonly index: Json
  readonly fields: Map<string, Field>
  readonly calls: OpenCall[]
  finishReason: Json | undefined
  readonly beside: Map<string, Json>
  /** Lists made here, which may be pushed to: those that came with a piece are not ours. */
  readonly grown: Map<readonly Json[], Json[]>
}

/** Fields whose pieces are always joined, even when two pieces are equal. */
const joined = new Set(['content', 'refusal', 'reasoning_content', 'reasoning', 'reasoning_text', 'thinking'])

export function openChoice(index: Json): OpenChoice {
  return { index, fields: new Map(), calls: [], finishReason: undefined, beside: new Map(), grown: new Map() }
}

export function foldChoice(choice: OpenChoice, raw: JsonObject): void {
  for (const [key, value] of Object.entries(objectOf(raw['delta'] ?? raw['message']))) foldField(choice, key, value)
  const finish = raw['finish_reason']
  if (finish !== undefined && (finish !== null || choice.finishReason === undefined)) choice.finishReason = finish
  for (const [key, value] of Object.entries(without(raw, ['index', 'delta', 'message', 'finish_reason', 'usage']))) {
    const before = choice.beside.get(key)
    if (key === 'logprobs' || key === 'token_ids') choice.beside.set(key, growValue(choice, before, value))
    else if (value !== null || before === undefined) choice.beside.set(key, value)
  }
}

/** Lists, and lists in an object, grow from piece to piece; in place, so that an answer of many pieces costs linear time. */
function growValue(choice: OpenChoice, before: Json | undefined, value: Json): Json {
  if (isList(value)) {
    const list = (isList(before) ? choice.grown.get(before) : undefined) ?? []
    for (const item of value) list.push(item)
    choice.grown.set(list, list)
    return list
  }
  if (!isObject(value)) return value ?? before ?? null
  const entries = Object.entries(value).map(([key, item]): [string, Json] => [
    key,
    growValue(choice, isObject(before) ? before[key] : undefined, item),
  ])
  return { ...objectOf(before), ...Object.fromEntries(entries) }
}

function foldField(choice: OpenChoice, key: string, value: Json): void {
  const field = choice.fields.get(key)
  if (key === 'tool_calls' && isList(value) && value.length > 0) {
    for (const call of value) foldCall(choice, call)
    return
  }
  if (value === null) {
    if (field === undefined) choice.fields.set(key, { value })
  } else if (typeof value === 'string') foldText(choice, key, value, field)
  else if (isList(value)) foldList(choice, key, value, field)
  else if (isObject(value) && field && 'value' in field && isObject(field.value))
    choice.fields.set(key, { value: joinObjects(field.value, value) })
  else choice.fields.set(key, { value })
}

function foldText(choice: OpenChoice, key: string, value: string, field: Field | undefined): void {
  if (field && 'list' in field) {
    field.list.push({ type: 'text', text: value })
    return
  }
  const pieces = field && 'pieces' in field ? field.pieces : []
  const repeats = !joined.has(key) && (key === 'role' ? pieces.length > 0 : pieces.length === 1 && pieces[0] === value)
  if (!repeats) pieces.push(value)
  choice.fields.set(key, { pieces })
}

function foldList(choice: OpenChoice, key: string, value: readonly Json[], field: Field | undefined): void {
  const before = field && 'pieces' in field ? field.pieces.join('') : ''
  const list: Json[] = field && 'list' in field ? field.list : before === '' ? [] : [{ type: 'text', text: before }]
  if (key === 'reasoning_details') for (const detail of value) foldDetail(list, detail)
  else list.push(...value)
  choice.fields.set(key, { list })
}

/** Pieces of one reasoning detail carry its index and type; their text grows, everything else is said once. */
function foldDetail(list: Json[], detail: Json): void {
  const at = list.findLastIndex(
    entry =>
      isObject(entry) &&
      isObject(detail) &&
      entry['index'] !== undefined &&
      entry['index'] === detail['index'] &&
      entry['type'] === detail['type'],
  )
  if (at < 0) list.push(detail)
  else list[at] = joinObjects(objectOf(list[at]), objectOf(detail))
}

const growing = new Set(['text', 'summary', 'data', 'transcript', 'arguments'])

function joinObjects(before: JsonObject, after: JsonObject): JsonObject {
  const entries = Object.entries(after).map(([key, value]): [string, Json] => {
    const earlier = before[key]
    if (value === null && earlier !== undefined) return [key, earlier]
    return [key, growing.has(key) && typeof earlier === 'string' && typeof value === 'string' ? earlier + value : value]
  })
  return { ...before, ...Object.fromEntries(entries) }
}

function foldCall(choice: OpenChoice, raw: Json): void {
  if (!isObject(raw)) {
    choice.calls.push(openCall(undefined, raw))
    return
  }
  const call = findCall(choice, raw)
  const id = textOf(raw['id'])
  if (id !== null && !call.id) call.id = id
  const holderKey = ['custom', 'function'].find(key => isObject(raw[key]))
  if (holderKey !== undefined) {
    call.holderKey ??= holderKey
    foldHolder(call, objectOf(raw[holderKey]))
  }
  for (const [key, value] of Object.entries(
    without(raw, ['index', ...(id === null ? [] : ['id']), ...(holderKey === undefined ? [] : [holderKey])]),
  ))
    if (value !== null || !call.fields.has(key)) call.fields.set(key, value)
}

/** The name is said once, whole, as the official SDK takes it; the arguments grow. */
function foldHolder(call: OpenCall, holder: JsonObject): void {
  for (const [key, value] of Object.entries(holder)) {
    if ((key === 'arguments' || key === 'input') && typeof value === 'string') foldInput(call, key, value)
    else if ((value !== null && value !== '') || !call.holder.has(key)) call.holder.set(key, value)
  }
}

function openCall(index: Json | undefined, raw?: Json): OpenCall {
  return { index, id: null, fields: new Map(), holder: new Map(), input: new Map(), holderKey: null, raw }
}

function foldInput(call: OpenCall, key: string, piece: string): void {
  const pieces = call.input.get(key)
  if (pieces) pieces.push(piece)
  else call.input.set(key, [piece])
}

function findCall(choice: OpenChoice, raw: JsonObject): OpenCall {
  const id = textOf(raw['id'])
  const last = choice.calls.at(-1)
  const found =
    raw['index'] !== undefined && raw['index'] !== null
      ? choice.calls.findLast(call => call.index === raw['index'])
      : id
        ? choice.calls.find(call => call.id === id)
        : last
  // Some servers number every call 0 and tell them apart only by id.
  const isOther = found && id && found.id && found.id !== id && textOf(objectOf(raw['function'])['name'])
  if (found && !isOther) return found
  const call = openCall(raw['index'])
  choice.calls.push(call)
  return call
}

/** The choice as a whole answer would have it. */
export function closeChoice(choice: OpenChoice): JsonObject {
  const fields = [...choice.fields].map(([key, field]): [string, Json] => [key, closeField(field)])
  const calls = choice.calls.length === 0 ? {} : { tool_calls: inOrder(choice.calls).map(closeCall) }
  const finish: JsonObject = choice.finishReason === undefined ? {} : { finish_reason: choice.finishReason }
  return {
    index: choice.index,
    message: { ...Object.fromEntries(fields), ...calls },
    ...finish,
    ...Object.fromEntries(choice.beside),
  }
}

function closeField(field: Field): Json {
  if ('pieces' in field) return field.pieces.join('')
  return 'list' in field ? field.list : field.value
}

/** Calls stand at their index; those that share one stay in the order in which they came. */
function inOrder(calls: readonly OpenCall[]): OpenCall[] {
  const place = (call: OpenCall, at: number): number => (typeof call.index === 'number' ? call.index : at)
  return calls
    .map((call, at) => ({ call, at: place(call, at) }))
    .sort((a, b) => a.at - b.at)
    .map(({ call }) => call)
}

function closeCall(call: OpenCall): Json {
  if (call.raw !== undefined) return call.raw
  const input = [...call.input].map(([key, pieces]): [string, Json] => [key, pieces.join('')])
  return {
    ...Object.fromEntries(call.fields),
    ...(call.id === null ? {} : { id: call.id }),
    ...(call.holderKey === null
      ? {}
      : { [call.holderKey]: { ...Object.fromEntries(call.holder), ...Object.fromEntries(input) } }),
  }
}
