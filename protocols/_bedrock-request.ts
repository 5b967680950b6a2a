// Request bodies of Bedrock Converse as conversations, and back. Reading then writing gives a deep-equal body; the model and the wish to
// stream come from the address and are never written into it. A conversation from another dialect is translated: roles alternate, results
// come first. Pure.

import { TurnpikeError } from '../core/errors.ts'
import type { Conversation, Json, JsonObject, Message, ToolDefinition } from '../core/types.ts'
import type { HistoryReader, RequestAddress } from './_adapter.ts'
import { alternate } from './_alternate.ts'
import { readBlock, writeBlocks } from './_bedrock-blocks.ts'
import { writeBedrockSettings } from './_bedrock-settings.ts'
import { defined, isList, isObject, notes, objectOf, textOf, without } from './_json.ts'
import { readModelPath } from './_model-path.ts'
import { isOwn } from './_settings.ts'
import { settingsOf } from './_settings-readers.ts'

const protocol = 'bedrock-converse'

export function readRequest(body: Json, address?: RequestAddress): Conversation {
  if (!isObject(body)) throw new TurnpikeError('E_BAD_REQUEST', 'a Bedrock Converse request must be a JSON object')
  const { messages, system, inferenceConfig, toolConfig } = body
  if (!isList(messages)) throw new TurnpikeError('E_BAD_REQUEST', 'key messages of a Bedrock Converse request must be a list')
  const place = address === undefined ? null : readModelPath(address.path)
  const { maxTokens, temperature } = objectOf(inferenceConfig)
  const tools = objectOf(toolConfig)['tools']
  const config = without(objectOf(inferenceConfig), [
    ...(typeof maxTokens === 'number' ? ['maxTokens'] : []),
    ...(typeof temperature === 'number' ? ['temperature'] : []),
  ])
  const read = [
    'messages',
    ...(isList(system) ? ['system'] : []),
    ...(isObject(inferenceConfig) ? ['inferenceConfig'] : []),
    ...(isList(tools) ? ['toolConfig'] : []),
  ]
  return {
    model: place?.model ?? null,
    stream: place?.verb === 'converse-stream',
    system: isList(system) ? system.map(raw => readBlock(raw)) : [],
    messages: messages.map(readMessage),
    tools: isList(tools) ? tools.map(readTool) : [],
    maxTokens: typeof maxTokens === 'number' ? maxTokens : null,
    temperature: typeof temperature === 'number' ? temperature : null,
    extra: {
      ...without(body, read),
      ...(Object.keys(config).length > 0 ? { inferenceConfig: config } : {}),
      ...(isList(tools) && Object.keys(objectOf(toolConfig)).length > 1
        ? { toolConfig: without(objectOf(toolConfig), ['tools']) }
        : {}),
    },
    wire: defined({
      protocol,
      system: isList(system) && system.length === 0 ? 'empty' : undefined,
      config: isObject(inferenceConfig) ? 'present' : undefined,
      tools: isList(tools) ? 'present' : undefined,
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
  const { role, content } = objectOf(raw)
  if (!isObject(raw) || (role !== 'user' && role !== 'assistant') || !isList(content))
    return { role: 'user', blocks: [{ kind: 'opaque', type: 'message', raw }], wire: { form: 'raw' } }
  return { role, blocks: content.map(part => readBlock(part)), ...notes(without(raw, ['role', 'content'])) }
}

/** Cache points stand in the list of tools too; they are kept as tools that declare nothing. */
function readTool(raw: Json): ToolDefinition {
  const spec = objectOf(objectOf(raw)['toolSpec'])
  const { name, description, inputSchema } = spec
  if (typeof name !== 'string') return { name: Object.keys(objectOf(raw))[0] ?? '', description: '', schema: null, raw }
  return { name, description: textOf(description) ?? '', schema: objectOf(inputSchema)['json'] ?? emptySchema, raw }
}

const emptySchema: JsonObject = { type: 'object', properties: {} }

export function writeRequest(conversation: Conversation): JsonObject {
  const own = isOwn(conversation.wire, protocol)
  const { wire, extra } = conversation
  const system = writeBlocks(conversation.system, own ? 'own' : 'foreign-request').filter(part => own || 'text' in objectOf(part))
  const settings = own ? null : settingsOf(conversation)
  const translated = settings === null ? null : writeBedrockSettings(settings)
  return {
    ...(own ? extra : {}),
    ...defined({
      messages: own ? conversation.messages.map(writeMessage) : writeForeignMessages(conversation.messages),
      system: system.length > 0 || (own && wire?.['system'] === 'empty') ? system : undefined,
      inferenceConfig: writeConfig(conversation, own ? objectOf(extra['inferenceConfig']) : (translated?.config ?? {})),
      toolConfig: writeToolConfig(conversation, own, translated?.toolChoice ?? null),
    }),
  }
}

function writeConfig({ maxTokens, temperature, wire, extra }: Conversation, others: JsonObject): Json | undefined {
  const config = { ...defined({ maxTokens: maxTokens ?? undefined, temperature: temperature ?? undefined }), ...others }
  if (Object.keys(config).length > 0 || wire?.['config'] === 'present') return config
  return isOwn(wire, protocol) ? extra['inferenceConfig'] : undefined
}

function writeToolConfig(conversation: Conversation, own: boolean, toolChoice: JsonObject | null): Json | undefined {
  const { wire, extra } = conversation
  const tools = conversation.tools.flatMap(tool => writeTool(tool, wire))
  if (tools.length === 0 && !(own && wire?.['tools'] === 'present')) return own ? extra['toolConfig'] : undefined
  return { tools, ...(own ? objectOf(extra['toolConfig']) : toolChoice === null ? {} : { toolChoice }) }
}

function writeMessage(message: Message): Json {
  const [only] = message.blocks
  if (message.wire?.['form'] === 'raw' && only?.kind === 'opaque') return only.raw
  // There is no such role here: what was made by hand is said as the user's.
  const role = message.role === 'assistant' ? 'assistant' : 'user'
  return { role, content: writeBlocks(message.blocks, 'own'), ...message.extra }
}

function writeForeignMessages(messages: readonly Message[]): JsonObject[] {
  return alternate(messages).flatMap(({ role, blocks }) => {
    const content = writeBlocks(blocks, 'foreign-request')
    return content.length === 0 ? [] : [{ role, content }]
  })
}

/** A provider-side tool of another dialect cannot be offered here; it is left out. */
function writeTool(tool: ToolDefinition, wire: JsonObject | undefined): Json[] {
  const own = isOwn(wire, protocol)
  if (wire?.['protocol'] === protocol || (own && isObject(objectOf(tool.raw)['toolSpec']))) return [tool.raw]
  if (tool.schema === null && !own) return []
  const description = tool.description === '' ? undefined : tool.description
  return [{ toolSpec: defined({ name: tool.name, description, inputSchema: { json: tool.schema ?? emptySchema } }) }]
}

export function addressOf({ model, stream }: Conversation): RequestAddress {
  return { path: `/model/${encodeURIComponent(model ?? 'unknown')}/${stream ? 'converse-stream' : 'converse'}`, query: '' }
}
