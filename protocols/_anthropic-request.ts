// Request bodies of Anthropic Messages as conversations, and back. Reading then writing gives a deep-equal body; a conversation
// from another dialect is translated: roles alternate, foreign fields are left out, required ones are supplied. Pure.

import { TurnpikeError } from '../core/errors.ts'
import type { Conversation, Json, JsonObject, Message, ToolDefinition } from '../core/types.ts'
import type { HistoryReader } from './_adapter.ts'
import { alternate } from './_alternate.ts'
import { contentNote, type Origin, readContent, writeBlocks, writeContent } from './_anthropic-blocks.ts'
import { writeAnthropicSettings } from './_anthropic-settings.ts'
import { defined, isList, isObject, notes, objectOf, textOf, unreadFields, without } from './_json.ts'
import { isOwn } from './_settings.ts'
import { settingsOf } from './_settings-readers.ts'

const protocol = 'anthropic-messages'

/** The field is required here and optional elsewhere. Every current model can answer this much. */
const maxTokensDefault = 32_000

export function readRequest(body: Json): Conversation {
  if (!isObject(body)) throw new TurnpikeError('E_BAD_REQUEST', 'an Anthropic Messages request must be a JSON object')
  const { model, stream, system, messages, tools, max_tokens: maxTokens, temperature } = body
  if (!isList(messages)) throw new TurnpikeError('E_BAD_REQUEST', 'key messages of an Anthropic Messages request must be a list')
  const known = {
    model: typeof model === 'string',
    stream: typeof stream === 'boolean',
    system: typeof system === 'string' || isList(system),
    messages: true,
    tools: isList(tools),
    max_tokens: typeof maxTokens === 'number',
    temperature: typeof temperature === 'number',
  }
  return {
    model: textOf(model),
    stream: stream === true,
    system: typeof system === 'string' || isList(system) ? readContent(system) : [],
    messages: messages.map(readMessage),
    tools: isList(tools) ? tools.map(readTool) : [],
    maxTokens: typeof maxTokens === 'number' ? maxTokens : null,
    temperature: typeof temperature === 'number' ? temperature : null,
    extra: unreadFields(body, known),
    wire: defined({
      protocol,
      system: typeof system === 'string' ? 'string' : isList(system) && system.length === 0 ? 'empty' : undefined,
      stream: stream === false ? 'explicit' : undefined,
      tools: isList(tools) && tools.length === 0 ? 'empty' : undefined,
    }),
  }
}

export const history: HistoryReader = {
  field: 'messages',
  divisible: 'anywhere',
  roleOf: raw => readMessage(raw).role,
  isPreamble: () => false,
  readMessages: elements => elements.map(readMessage),
}

function readMessage(raw: Json): Message {
  const fields = objectOf(raw)
  const { role, content } = fields
  const readable =
    (role === 'user' || role === 'assistant' || role === 'system') && (typeof content === 'string' || isList(content))
  if (!readable) return { role: 'user', blocks: [{ kind: 'opaque', type: 'message', raw }], wire: { form: 'raw' } }
  return { role, blocks: readContent(content), ...notes(without(fields, ['role', 'content']), contentNote(content)) }
}

function readTool(raw: Json): ToolDefinition {
  const { name, description, input_schema: schema } = objectOf(raw)
  return { name: textOf(name) ?? '', description: textOf(description) ?? '', schema: schema ?? null, raw }
}

export function writeRequest(conversation: Conversation): JsonObject {
  const own = isOwn(conversation.wire, protocol)
  const settings = own ? null : settingsOf(conversation)
  const origin: Origin = own ? 'own' : 'foreign-request'
  const { wire } = conversation
  const messages = own ? conversation.messages.map(writeMessage) : writeForeignMessages(conversation.messages)
  const tools = conversation.tools.flatMap(tool => writeTool(tool, wire))
  return {
    ...defined({
      model: conversation.model ?? undefined,
      max_tokens: conversation.maxTokens ?? (wire?.['protocol'] === protocol ? undefined : maxTokensDefault),
      temperature: conversation.temperature ?? undefined,
      system: writeSystem(conversation, origin),
      messages,
      tools: tools.length > 0 || wire?.['tools'] === 'empty' ? tools : undefined,
      stream: conversation.stream ? true : wire?.['stream'] === 'explicit' ? false : undefined,
    }),
    ...(own ? conversation.extra : settings === null ? {} : writeAnthropicSettings(settings)),
  }
}

function writeSystem(conversation: Conversation, origin: Origin): Json | undefined {
  const form = conversation.wire?.['system']
  if (conversation.system.length === 0) return form === 'string' ? '' : form === 'empty' ? [] : undefined
  return writeContent(conversation.system, { content: typeof form === 'string' ? form : 'list' }, origin)
}

function writeMessage(message: Message): Json {
  const [only] = message.blocks
  if (message.wire?.['form'] === 'raw' && only?.kind === 'opaque') return only.raw
  return { role: message.role, content: writeContent(message.blocks, message.wire, 'own') ?? [], ...message.extra }
}

/**
 * Roles must alternate, and the results of an answer's tool calls must stand together at the head of the next message. System
 * messages in the middle become user text: only some models take that role here.
 */
function writeForeignMessages(messages: readonly Message[]): JsonObject[] {
  return alternate(messages).flatMap(({ role, blocks }) => {
    const content = writeBlocks(blocks, 'foreign-request')
    return content.length === 0 ? [] : [{ role, content }]
  })
}

/** A provider-side tool of another dialect cannot be offered here; it is left out. */
function writeTool(tool: ToolDefinition, wire: JsonObject | undefined): Json[] {
  const own = isOwn(wire, protocol)
  const native = isObject(tool.raw) && typeof tool.raw['name'] === 'string'
  if (wire?.['protocol'] === protocol || (own && native)) return [tool.raw]
  if (tool.schema === null) return own ? [{ name: tool.name, description: tool.description, input_schema: emptySchema }] : []
  return [{ name: tool.name, description: tool.description, input_schema: tool.schema }]
}

const emptySchema: JsonObject = { type: 'object', properties: {} }
