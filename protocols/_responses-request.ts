// Request bodies of OpenAI Responses as conversations, and back; a `response.create` message of a WebSocket is the same body with a
// `type`. Reading then writing gives a deep-equal body; a conversation from another dialect is translated. A request that goes on from
// `previous_response_id` holds only what is new: the rest is not here. Pure.

import { TurnpikeError } from '../core/errors.ts'
import type { Block, Conversation, Json, JsonObject, Message } from '../core/types.ts'
import type { HistoryReader } from './_adapter.ts'
import { defined, isList, isObject, objectOf, textOf, unreadFields } from './_json.ts'
import { writeForeignMessages } from './_responses-foreign.ts'
import { readItem, readItems, writeMessage } from './_responses-items.ts'
import { isPart } from './_responses-parts.ts'
import { writeResponsesSettings } from './_responses-settings.ts'
import { isAdditional, readTools, writeTools } from './_responses-tools.ts'
import { isOwn } from './_settings.ts'
import { settingsOf } from './_settings-readers.ts'

const protocol = 'openai-responses'

export function readRequest(body: Json): Conversation {
  if (!isObject(body)) throw new TurnpikeError('E_BAD_REQUEST', 'a Responses request must be a JSON object')
  const { model, stream, input, instructions, tools, max_output_tokens: maxTokens, temperature } = body
  const items = readInput(body)
  const all = readItems(items)
  const firstOther = all.findIndex(message => message.role !== 'system')
  const leading = all.slice(0, firstOther < 0 ? all.length : firstOther)
  const offered = readTools(tools, items)
  const known = {
    model: typeof model === 'string',
    stream: typeof stream === 'boolean',
    input: typeof input === 'string' || isList(input),
    instructions: typeof instructions === 'string',
    tools: isList(tools),
    max_output_tokens: typeof maxTokens === 'number',
    temperature: typeof temperature === 'number',
  }
  const heads = typeof instructions === 'string' ? [instructionsBlocks(instructions)] : []
  const notes = [...heads.map(blocks => ({ blocks: blocks.length, form: 'instructions' })), ...leading.map(noteOf)]
  return {
    model: textOf(model),
    // Answers on a WebSocket are always streamed.
    stream: stream === true || (stream === undefined && body['type'] === 'response.create'),
    system: [...heads.flat(), ...leading.flatMap(message => message.blocks)],
    messages: all.slice(leading.length),
    tools: offered.tools,
    maxTokens: typeof maxTokens === 'number' ? maxTokens : null,
    temperature: typeof temperature === 'number' ? temperature : null,
    extra: unreadFields(body, known),
    wire: defined({
      protocol,
      input: typeof input === 'string' ? 'string' : isList(input) ? undefined : 'absent',
      system: notes.length === 0 ? undefined : notes,
      stream: typeof stream !== 'boolean' ? 'absent' : stream ? undefined : 'explicit',
      tools: offered.groups,
    }),
  }
}

export const history: HistoryReader = {
  field: 'input',
  divisible: 'between-answers',
  roleOf: raw => readItem(raw).role,
  isPreamble: (raw, isLeading) => isAdditional(raw) || (isLeading && readItem(raw).role === 'system'),
  readMessages: readItems,
}

/** `input` may be missing where something else says what to do. */
function readInput(body: JsonObject): readonly Json[] {
  const { input } = body
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  if (isList(input)) return input
  const others = ['instructions', 'previous_response_id', 'conversation', 'prompt']
  const isOptional = body['type'] === 'response.create' || others.some(key => body[key] !== undefined && body[key] !== null)
  if ((input === undefined || input === null) && isOptional) return []
  throw new TurnpikeError('E_BAD_REQUEST', 'key input of a Responses request must be a string or a list')
}

function instructionsBlocks(text: string): Block[] {
  return text === '' ? [] : [{ kind: 'text', text }]
}

/** The leading system messages are one list of blocks; this is where one ended and how it was spelled. */
function noteOf(message: Message): JsonObject {
  return defined({ blocks: message.blocks.length, wire: message.wire, extra: message.extra })
}

export function writeRequest(conversation: Conversation): JsonObject {
  const own = isOwn(conversation.wire, protocol)
  const read = conversation.wire?.['protocol'] === protocol
  const settings = own ? null : settingsOf(conversation)
  const { wire } = conversation
  const head = writeSystem(conversation)
  const messages = own ? conversation.messages.flatMap(writeMessage) : writeForeignMessages(conversation.messages)
  return {
    ...defined({
      model: conversation.model ?? undefined,
      instructions: head.instructions,
      input: writeInput([...head.items, ...messages], own ? wire?.['input'] : undefined),
      tools: writeTools(conversation, protocol),
      max_output_tokens: conversation.maxTokens ?? undefined,
      temperature: conversation.temperature ?? undefined,
      stream: conversation.stream
        ? wire?.['stream'] === 'absent'
          ? undefined
          : true
        : wire?.['stream'] === 'explicit'
          ? false
          : undefined,
      // The provider keeps an answer here unless told not to; no other protocol does.
      store: read ? undefined : false,
    }),
    ...(own ? conversation.extra : settings === null ? {} : writeResponsesSettings(settings)),
  }
}

function writeInput(items: readonly Json[], form: Json | undefined): Json | undefined {
  const [only] = items
  if (form === 'absent' && items.length === 0) return undefined
  if (form !== 'string' || items.length !== 1) return items
  const { content, role } = objectOf(only)
  return role === 'user' && typeof content === 'string' ? content : items
}

interface Head {
  readonly instructions: string | undefined
  readonly items: readonly Json[]
}

function writeSystem(conversation: Conversation): Head {
  const noted = isOwn(conversation.wire, protocol) ? conversation.wire?.['system'] : undefined
  const head = isList(noted) ? regroup(conversation.system, noted) : null
  if (head !== null) return head
  const texts = conversation.system.flatMap(block => (block.kind === 'text' && block.text !== '' ? [block.text] : []))
  const items = isOwn(conversation.wire, protocol)
    ? conversation.system.filter(block => block.kind === 'opaque' && !isPart(block))
    : []
  return {
    instructions: texts.length === 0 ? undefined : texts.join('\n\n'),
    items: items.flatMap(block => writeMessage({ role: 'system', blocks: [block] })),
  }
}

/** null when the blocks are no longer those that were read. */
function regroup(blocks: readonly Block[], noted: readonly Json[]): Head | null {
  let instructions: string | undefined
  const items: Json[] = []
  let at = 0
  for (const note of noted) {
    const { blocks: size, wire, extra, form } = objectOf(note)
    if (typeof size !== 'number') return null
    const group = blocks.slice(at, at + size)
    const [first] = group
    const some = { ...(isObject(wire) ? { wire } : {}), ...(isObject(extra) ? { extra } : {}) }
    if (form === 'instructions') instructions = first?.kind === 'text' ? first.text : ''
    else items.push(...writeMessage({ role: 'system', blocks: group, ...some }))
    at += size
  }
  return at === blocks.length ? { instructions, items } : null
}
