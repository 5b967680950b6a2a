// Rows of role/content messages as trajectories: the inverse of _chat-rows.ts as openai spells them. Every message is a step of its own.
// Total on rows that their schema has found well-formed. Pure.

import type { Block, Json, JsonObject, Message } from '../../core/types.ts'
import { countOf, isList, objectOf, objectsOf, textOf } from '../../protocols/_json.ts'
import type { TrajectorySet, TrajectoryStep } from '../trajectory.ts'
import { readCall, readPart } from './_parts.ts'
import { readAsked, readRowMeta, readTools } from './_row-meta-read.ts'

/** Blocks that stand in the notes, by message and place. */
type Omitted = ReadonlyMap<number, ReadonlyArray<{ readonly at: number; readonly block: Block }>>

export function readChatRow(row: JsonObject): TrajectorySet {
  const notes = objectOf(row['turnpike'])
  const messages = objectsOf(row['messages'])
  const omitted = readOmitted(notes['omitted'])
  const errors = new Set(isList(notes['errors']) ? notes['errors'] : [])
  const { scope, calls, copied, offset: head, ...meta } = readRowMeta(notes, messages[0]?.['role'] === 'system' ? 1 : 0)
  const steps = messages.slice(head).map((message, index): TrajectoryStep => {
    const left = omitted.get(index + head) ?? []
    return {
      message: readMessage(message, left, errors.has(index + head)),
      generation: calls.get(index) ?? null,
      copied: copied.has(index),
      tokens: null,
    }
  })
  const trajectory = {
    ...meta,
    ...readAsked(notes),
    system: head === 0 ? [] : readContent(messages[0]?.['content'], omitted.get(0) ?? []),
    tools: readTools([...objectsOf(row['tools']), ...objectsOf(notes['server_tools'])]),
    steps,
  }
  return { scope, policy: trajectory.policy, trajectories: [trajectory] }
}

function readMessage(
  raw: JsonObject,
  left: readonly { readonly at: number; readonly block: Block }[],
  isError: boolean,
): Message {
  const { role, content, refusal, tool_calls: calls, tool_call_id: callId } = raw
  if (role === 'tool')
    return {
      role: 'user',
      blocks: [{ kind: 'tool-result', callId: textOf(callId) ?? '', content: readContent(content, left), isError }],
    }
  if (role !== 'assistant') return { role: role === 'user' ? 'user' : 'system', blocks: readContent(content, left) }
  const blocks: Block[] = readContent(content, [])
  if (typeof refusal === 'string') blocks.push({ kind: 'refusal', text: refusal })
  for (const call of objectsOf(calls)) {
    const { name, arguments: inputText } = objectOf(call['function'])
    blocks.push(readCall(call['id'], name, textOf(inputText) ?? ''))
  }
  for (const { at, block } of left) blocks.splice(at, 0, block)
  return { role: 'assistant', blocks }
}

/** What was left out is put in the place of the words that stand for it. */
function readContent(content: Json | undefined, left: readonly { readonly at: number; readonly block: Block }[]): Block[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  const blocks = objectsOf(content).map(readContentPart)
  for (const { at, block } of left) blocks[at] = block
  return blocks
}

const dataUrl = /^data:([^;,]+);base64,(.*)$/s

function readContentPart(part: JsonObject): Block {
  const url = textOf(objectOf(part['image_url'])['url'])
  if (url === null) return readPart(part)
  const [, mediaType, data] = dataUrl.exec(url) ?? []
  return mediaType === undefined || data === undefined
    ? { kind: 'image', mediaType: 'url', data: url }
    : { kind: 'image', mediaType, data }
}

function readOmitted(raw: Json | undefined): Omitted {
  const omitted = new Map<number, Array<{ at: number; block: Block }>>()
  for (const entry of objectsOf(raw)) {
    const message = countOf(entry['message']) ?? 0
    const left = omitted.get(message) ?? []
    left.push({ at: countOf(entry['at']) ?? 0, block: readPart(entry['block'] ?? null) })
    omitted.set(message, left)
  }
  return omitted
}
