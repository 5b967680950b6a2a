// Request bodies of OpenAI Chat Completions as conversations, and back. Reading then writing gives a deep-equal body; a conversation
// from another dialect is translated, and asks for usage in the stream, which this protocol otherwise leaves out. Pure.

import { TurnpikeError } from '../core/errors.ts'
import type { Block, Conversation, Json, JsonObject, Message, ToolDefinition } from '../core/types.ts'
import type { HistoryReader } from './_adapter.ts'
import { writeForeignMessages, writeForeignSystem } from './_chat-foreign.ts'
import { readMessage, writeMessage } from './_chat-messages.ts'
import { writeContent } from './_chat-parts.ts'
import { writeChatSettings } from './_chat-settings.ts'
import { defined, isList, isObject, objectOf, textOf, unreadFields } from './_json.ts'
import { isOwn } from './_settings.ts'
import { settingsOf } from './_settings-readers.ts'

const protocol = 'openai-chat'
const emptySchema: JsonObject = { type: 'object', properties: {} }

export function readRequest(body: Json): Conversation {
  if (!isObject(body)) throw new TurnpikeError('E_BAD_REQUEST', 'a Chat Completions request must be a JSON object')
  const { model, stream, messages, tools, temperature } = body
  if (!isList(messages)) throw new TurnpikeError('E_BAD_REQUEST', 'key messages of a Chat Completions request must be a list')
  const all = messages.map(readMessage)
  const firstOther = all.findIndex(message => message.role !== 'system')
  const leading = all.slice(0, firstOther < 0 ? all.length : firstOther)
  const maxTokensKey = ['max_completion_tokens', 'max_tokens'].find(key => typeof body[key] === 'number')
  const maxTokens = maxTokensKey === undefined ? null : body[maxTokensKey]
  const known = {
    model: typeof model === 'string',
    stream: typeof stream === 'boolean',
    messages: true,
    tools: isList(tools),
    [maxTokensKey ?? 'max_tokens']: maxTokensKey !== undefined,
    temperature: typeof temperature === 'number',
  }
  return {
    model: textOf(model),
    stream: stream === true,
    system: leading.flatMap(message => message.blocks),
    messages: all.slice(leading.length),
    tools: isList(tools) ? tools.map(readTool) : [],
    maxTokens: typeof maxTokens === 'number' ? maxTokens : null,
    temperature: typeof temperature === 'number' ? temperature : null,
    extra: unreadFields(body, known),
    wire: defined({
      protocol,
      system: leading.length === 0 ? undefined : leading.map(noteOf),
      maxTokens: maxTokensKey,
      stream: stream === false ? 'explicit' : undefined,
      tools: isList(tools) && tools.length === 0 ? 'empty' : undefined,
    }),
  }
}

export const history: HistoryReader = {
  field: 'messages',
  divisible: 'anywhere',
  roleOf: raw => readMessage(raw).role,
  isPreamble: (raw, isLeading) => isLeading && readMessage(raw).role === 'system',
  readMessages: elements => elements.map(readMessage),
}

/** The leading system messages are one list of blocks; this is where one ended and how it was spelled. */
function noteOf(message: Message): JsonObject {
  return defined({ blocks: message.blocks.length, wire: message.wire, extra: message.extra })
}

function readTool(raw: Json): ToolDefinition {
  const fields = objectOf(raw)
  const { name, description, parameters } = objectOf(fields['function'])
  const isFunction = typeof name === 'string'
  return {
    name: isFunction ? name : (textOf(fields['name']) ?? ''),
    description: textOf(description) ?? '',
    // A function that names no parameters has none; a tool of the provider declares nothing.
    schema: parameters ?? (isFunction ? emptySchema : null),
    raw,
  }
}

export function writeRequest(conversation: Conversation): JsonObject {
  const own = isOwn(conversation.wire, protocol)
  const settings = own ? null : settingsOf(conversation)
  const { wire } = conversation
  const tools = conversation.tools.flatMap(tool => writeTool(tool, wire))
  return {
    ...defined({
      model: conversation.model ?? undefined,
      messages: own
        ? [...writeSystem(conversation), ...conversation.messages.flatMap(writeMessage)]
        : [...writeForeignSystem(conversation.system), ...writeForeignMessages(conversation.messages)],
      [maxTokensKeyOf(conversation)]: conversation.maxTokens ?? undefined,
      temperature: conversation.temperature ?? undefined,
      tools: tools.length > 0 || wire?.['tools'] === 'empty' ? tools : undefined,
      stream: conversation.stream ? true : wire?.['stream'] === 'explicit' ? false : undefined,
      stream_options: conversation.stream && wire?.['protocol'] !== protocol ? { include_usage: true } : undefined,
    }),
    ...(own ? conversation.extra : settings === null ? {} : writeChatSettings(settings)),
  }
}

/** OpenAI's reasoning models refuse the old name; most compatible servers know only that one. */
function maxTokensKeyOf(conversation: Conversation): string {
  const noted = isOwn(conversation.wire, protocol) ? textOf(conversation.wire?.['maxTokens']) : null
  return noted ?? (/(^|\/)(o\d|gpt-([5-9]|\d\d))/.test(conversation.model ?? '') ? 'max_completion_tokens' : 'max_tokens')
}

function writeSystem(conversation: Conversation): Json[] {
  const noted = conversation.wire?.['system']
  const groups = isList(noted) ? regroup(conversation.system, noted) : null
  if (groups) return groups.flatMap(writeMessage)
  const content = writeContent(conversation.system, undefined, true, '\n\n')
  return conversation.system.length === 0 || content === undefined ? [] : [{ role: 'system', content }]
}

/** null when the blocks are no longer those that were read. */
function regroup(blocks: readonly Block[], noted: readonly Json[]): Message[] | null {
  const groups: Message[] = []
  let at = 0
  for (const note of noted) {
    const { blocks: size, wire, extra } = objectOf(note)
    if (typeof size !== 'number') return null
    const some = { ...(isObject(wire) ? { wire } : {}), ...(isObject(extra) ? { extra } : {}) }
    groups.push({ role: 'system', blocks: blocks.slice(at, at + size), ...some })
    at += size
  }
  return at === blocks.length ? groups : null
}

/** A provider-side tool of another dialect cannot be offered here; it is left out. */
function writeTool(tool: ToolDefinition, wire: JsonObject | undefined): Json[] {
  const own = isOwn(wire, protocol)
  const native = isObject(tool.raw) && isObject(tool.raw['function'])
  if (wire?.['protocol'] === protocol || (own && native)) return [tool.raw]
  if (tool.schema === null && !own) return []
  return [
    { type: 'function', function: { name: tool.name, description: tool.description, parameters: tool.schema ?? emptySchema } },
  ]
}
