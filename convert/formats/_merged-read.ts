// Rows of merged JSONL as trajectories, ours and those of mini-vela's own converter, which have no ids: there a generation is named by its
// place in the row, and results keep the name of their tool. Every message is a step of its own. Total on well-formed rows. Pure.

import type { Block, Json, JsonObject, Message } from '../../core/types.ts'
import { countOf, isList, isObject, objectOf, objectsOf, printJson, textOf, without } from '../../protocols/_json.ts'
import type { Generation, StepTokens, TrajectorySet, TrajectoryStep } from '../trajectory.ts'
import { readContent, readPart, readTexts } from './_parts.ts'
import { readGeneration, readRowMeta, readTools } from './_row-meta-read.ts'

export function readMergedRow(row: JsonObject): TrajectorySet {
  const meta = objectOf(row['meta'])
  const messages = objectsOf(row['messages'])
  const { scope, calls, copied, offset, ...read } = readRowMeta(meta, messages[0]?.['role'] === 'system' ? 1 : 0)
  const head = offset === 0 ? undefined : messages[0]
  const steps = messages.slice(offset).map((message, index): TrajectoryStep => {
    const known = calls.get(index)
    return {
      message: readMessage(message),
      generation: message['generation'] === true ? (known ?? readForeign(message, index + offset, meta)) : null,
      copied: copied.has(index),
      tokens: readTokens(message['tokens']),
    }
  })
  const trajectory = {
    ...read,
    model: textOf(meta['model']),
    maxTokens: countOf(meta['max_tokens']),
    metadata: meta['metadata'] ?? without(meta, ourKeys),
    system: head === undefined ? [] : readContent(head['content']),
    tools: readTools(row['tools']),
    steps,
  }
  return { scope, policy: trajectory.policy, trajectories: [trajectory] }
}

/** The rest of `meta` is the metadata that the client sent; whole under `metadata` where one of these names is among it. */
export const ourKeys: readonly string[] = [
  ...['max_tokens', 'session_id', 'biz_id', 'model', 'version', 'trajectory_id', 'policy', 'kind', 'side', 'lane', 'parent'],
  ...['scope', 'protocol', 'break_reason', 'approximate', 'calls', 'failed_calls', 'boundaries', 'copied', 'first_step'],
  'metadata',
]

export function nameGeneration(message: JsonObject, index: number): string {
  return textOf(message['call_id']) ?? `message ${index}`
}

function readForeign(message: JsonObject, index: number, meta: JsonObject): Generation {
  return { ...readGeneration({ model: meta['model'] ?? null }), callId: nameGeneration(message, index) }
}

function readMessage(raw: JsonObject): Message {
  const { role, content, splits } = raw
  if (role === 'assistant') return { role, blocks: readAnswer(raw) }
  if (role === 'tool') {
    const { tool_call_id: callId, tool_name: name, is_error: isError } = raw
    const result: Block = {
      kind: 'tool-result',
      callId: textOf(callId) ?? '',
      content: readContent(content, splits),
      isError: isError === true,
      ...(typeof name === 'string' ? { extra: { tool_name: name } } : {}),
    }
    return { role: 'user', blocks: [result] }
  }
  const blocks = readContent(content, splits)
  return { role: role === 'system' ? 'system' : 'user', blocks: blocks.length > 0 ? blocks : [{ kind: 'text', text: '' }] }
}

function readAnswer(raw: JsonObject): Block[] {
  const { content, splits, reasoning_content: reasoning, refusal, other_content: others } = raw
  const refused = textOf(refusal) ?? ''
  const text = textOf(content) ?? ''
  return [
    ...(typeof reasoning === 'string' && reasoning !== '' ? [{ kind: 'thinking', text: reasoning } as const] : []),
    ...(isList(content)
      ? readContent(content)
      : readTexts(text.endsWith(refused) ? text.slice(0, text.length - refused.length) : text, splits)),
    ...(typeof refusal === 'string' ? [{ kind: 'refusal', text: refusal } as const] : []),
    ...objectsOf(raw['tool_calls']).map(readCall),
    ...(isList(others) ? others.map(readPart) : []),
  ]
}

/** A string is the text of arguments that are no JSON, or of a tool that takes free text. */
function readCall(raw: JsonObject): Block {
  const { id, name, arguments: given } = raw
  const input = typeof given === 'string' ? null : (given ?? null)
  const inputText = typeof given === 'string' ? given : printJson(given ?? null)
  return { kind: 'tool-call', id: textOf(id) ?? '', name: textOf(name) ?? '', input, inputText }
}

function readTokens(raw: Json | undefined): StepTokens | null {
  if (!isObject(raw) || !isList(raw['ids'])) return null
  const logprobs = raw['logprobs']
  return {
    ids: raw['ids'].filter(id => typeof id === 'number'),
    logprobs: isList(logprobs) ? logprobs.map(value => (typeof value === 'number' ? value : null)) : null,
  }
}
