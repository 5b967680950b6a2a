// OpenAI's fine-tuning JSONL: {messages, tools, parallel_tool_calls}, `weight` 1 where an answer was generated here and may be trained on.
// Everything but the key `turnpike` is what the API accepts; that key holds the ids and what has no place, and is removed for an upload.

import type { Block, Json, JsonObject } from '../../core/types.ts'
import type { TrajectoryStep } from '../trajectory.ts'
import type { OutputFormat } from './_adapter.ts'
import { readChatRow } from './_chat-read.ts'
import { type ChatSpelling, type Left, nameLeft, type Spelled, writeChatRow } from './_chat-rows.ts'
import { isTrained } from './_row-meta.ts'
import { listCalls, readRowWith } from './_row-schema.ts'
import schema from './schemas/openai.schema.json' with { type: 'json' }

const spelling: ChatSpelling = {
  namesTools: false,
  content: (role, blocks) => spellContent(blocks, role === 'user'),
  answer: spellAnswer,
}

const check = readRowWith('openai', schema)

export default {
  id: 'openai',
  title: 'OpenAI fine-tuning (JSONL of chats with weights)',
  extension: 'jsonl',
  loses:
    'for training: thinking, images outside user messages, documents and audio, error flags of results and tools of the provider, which have no place in the API and stand under the key turnpike only; for good: cache_control and citations',
  policies: ['readable', 'exact', 'tolerant', 'calls'],
  *write({ scope, trajectories }) {
    for (const trajectory of trajectories) {
      const { messages, tools, notes } = writeChatRow(trajectory, scope, spelling)
      const parallel = messages.some(message => Array.isArray(message['tool_calls']) && message['tool_calls'].length > 1)
      yield {
        messages,
        // The API takes no empty list.
        ...(tools.length > 0 ? { tools } : {}),
        ...(parallel ? { parallel_tool_calls: true } : {}),
        turnpike: notes,
      }
    }
  },
  read: row => readChatRow(check(row)),
  listGenerations: row => listCalls(row['turnpike']),
} satisfies OutputFormat

/** One text is a string; anything else a list with a part for each block, so that nothing is glued and every place can be found again. */
function spellContent(blocks: readonly Block[], images: boolean): Spelled<Json> {
  const [first] = blocks
  if (blocks.length === 0) return { value: '', left: [] }
  if (blocks.length === 1 && first?.kind === 'text') return { value: first.text, left: [] }
  const left: Left[] = []
  const value = blocks.map((block, at) => {
    if (block.kind === 'text') return { type: 'text', text: block.text }
    if (block.kind === 'image' && images) return { type: 'image_url', image_url: { url: writeUrl(block) } }
    left.push({ at, block })
    return { type: 'text', text: nameLeft(block) }
  })
  return { value, left }
}

function writeUrl({ mediaType, data }: Extract<Block, { kind: 'image' }>): string {
  return mediaType === 'url' ? data : `data:${mediaType};base64,${data}`
}

/** No placeholders here: a model is trained only on words it has said. */
function spellAnswer({ message, generation }: TrajectoryStep): Spelled<JsonObject> {
  const blocks = joinRefusals(message.blocks)
  const texts = blocks.flatMap(block => (block.kind === 'text' ? [block.text] : []))
  const refusals = blocks.flatMap(block => (block.kind === 'refusal' ? [block.text] : []))
  const calls = blocks.filter(block => block.kind === 'tool-call')
  const content = texts.length > 1 ? texts.map(text => ({ type: 'text', text })) : (texts[0] ?? null)
  const left = blocks.flatMap((block, at) => {
    const isHeld = block.kind === 'text' || block.kind === 'tool-call' || block.kind === 'refusal'
    return isHeld ? [] : [{ at, block }]
  })
  return {
    value: {
      role: 'assistant',
      // An answer of nothing but thinking: the key is required, and null only beside calls or a refusal.
      content: content ?? (calls.length === 0 && refusals.length === 0 ? '' : null),
      ...(refusals.length === 0 ? {} : { refusal: refusals.join('') }),
      ...(calls.length === 0 ? {} : { tool_calls: calls.map(writeCall) }),
      weight: isTrained(generation) ? 1 : 0,
    },
    left,
  }
}

/** The API has room for one. */
function joinRefusals(blocks: readonly Block[]): readonly Block[] {
  const refusals = blocks.filter(block => block.kind === 'refusal')
  if (refusals.length < 2) return blocks
  const joined: Block = { kind: 'refusal', text: refusals.map(block => block.text).join('') }
  const first = blocks.findIndex(block => block.kind === 'refusal')
  return blocks.flatMap<Block>((block, at) => (block.kind !== 'refusal' ? [block] : at === first ? [joined] : []))
}

function writeCall({ id, name, inputText }: Extract<Block, { kind: 'tool-call' }>): JsonObject {
  return { id, type: 'function', function: { name, arguments: inputText } }
}
