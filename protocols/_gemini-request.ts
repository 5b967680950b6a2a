// Request bodies of Gemini as conversations, and back. Reading then writing gives a deep-equal body; the model and the wish to stream come
// from the address and are never written into it. A conversation from another dialect is translated: roles alternate, results stand
// directly behind their calls. Code Assist bodies are the same inside an envelope. Pure.

import { TurnpikeError } from '../core/errors.ts'
import type { Block, Conversation, Json, JsonObject, Message } from '../core/types.ts'
import type { HistoryReader, RequestAddress } from './_adapter.ts'
import { alternate } from './_alternate.ts'
import { isStreamAddress, modelOf } from './_gemini-address.ts'
import { type CallNames, createCallNames, type Origin, readPart, writePart } from './_gemini-parts.ts'
import { writeGeminiSettings } from './_gemini-settings.ts'
import { readTools, writeTools } from './_gemini-tools.ts'
import { defined, isList, isObject, notes, objectOf, textOf, without } from './_json.ts'
import { isOwn } from './_settings.ts'
import { settingsOf } from './_settings-readers.ts'

const protocol = 'gemini'
const systemKeys = ['systemInstruction', 'system_instruction']
const configKeys = ['generationConfig', 'generation_config']

export function readRequest(outer: Json, address?: RequestAddress): Conversation {
  if (!isObject(outer)) throw new TurnpikeError('E_BAD_REQUEST', 'a Gemini request must be a JSON object')
  const wrapped = outer['contents'] === undefined && isObject(outer['request'])
  const body = wrapped ? objectOf(outer['request']) : outer
  const { contents, tools } = body
  if (!isList(contents)) throw new TurnpikeError('E_BAD_REQUEST', 'key contents of a Gemini request must be a list')
  const names = createCallNames()
  const system = readSystem(body, names)
  const config = readConfig(body)
  const read = isList(tools) ? readTools(tools) : null
  return {
    model: modelOf(address) ?? readModelName(outer['model'] ?? body['model']),
    stream: isStreamAddress(address),
    system: system?.blocks ?? [],
    messages: contents.map(raw => readContent(raw, names)),
    tools: read?.tools ?? [],
    maxTokens: config?.maxTokens ?? null,
    temperature: config?.temperature ?? null,
    extra: {
      ...without(body, [
        'contents',
        ...(system ? [system.key] : []),
        ...(config ? [config.key] : []),
        ...(read ? ['tools'] : []),
      ]),
      ...(config && Object.keys(config.rest).length > 0 ? { [config.key]: config.rest } : {}),
    },
    wire: defined({
      protocol,
      system: system?.note,
      config: config?.key,
      tools: read?.groups,
      envelope: wrapped ? without(outer, ['request']) : undefined,
    }),
  }
}

function readModelName(value: Json | undefined): string | null {
  return textOf(value)?.replace(/^.*\bmodels\//, '') ?? null
}

function readSystem(body: JsonObject, names: CallNames): { key: string; blocks: Block[]; note: JsonObject } | null {
  const key = systemKeys.find(candidate => isList(objectOf(body[candidate])['parts']))
  const content = key === undefined ? {} : objectOf(body[key])
  const parts = content['parts']
  if (key === undefined || !isList(parts)) return null
  return { key, blocks: parts.map(part => readPart(part, names)), note: { key, beside: without(content, ['parts']) } }
}

interface ReadConfig {
  readonly key: string
  readonly maxTokens: number | null
  readonly temperature: number | null
  readonly rest: JsonObject
}

function readConfig(body: JsonObject): ReadConfig | null {
  const key = configKeys.find(candidate => isObject(body[candidate]))
  if (key === undefined) return null
  const config = objectOf(body[key])
  const { maxOutputTokens, temperature } = config
  const read = [
    ...(typeof maxOutputTokens === 'number' ? ['maxOutputTokens'] : []),
    ...(typeof temperature === 'number' ? ['temperature'] : []),
  ]
  return {
    key,
    maxTokens: typeof maxOutputTokens === 'number' ? maxOutputTokens : null,
    temperature: typeof temperature === 'number' ? temperature : null,
    rest: without(config, read),
  }
}

/** `function` is the old role of results. */
const roles = new Map<Json | undefined, Message['role']>([
  ['user', 'user'],
  ['model', 'assistant'],
  ['function', 'user'],
  ['system', 'system'],
  [undefined, 'user'],
])

function readContent(raw: Json, names: ReturnType<typeof createCallNames>): Message {
  const { role: said, parts } = objectOf(raw)
  const role = roles.get(said)
  if (!isObject(raw) || role === undefined || !isList(parts))
    return { role: 'user', blocks: [{ kind: 'opaque', type: 'message', raw }], wire: { form: 'raw' } }
  if (role === 'assistant') names.nextMessage()
  const spelled = said === undefined ? { role: 'absent' } : said === 'function' ? { role: said } : {}
  return { role, blocks: parts.map(part => readPart(part, names)), ...notes(without(raw, ['role', 'parts']), spelled) }
}

export const history: HistoryReader = {
  field: 'contents',
  // Results without an id are named after the calls of the model's last turn.
  divisible: 'at-answers',
  roleOf: raw => readContent(raw, createCallNames()).role,
  isPreamble: () => false,
  readMessages: elements => {
    const names = createCallNames()
    return elements.map(raw => readContent(raw, names))
  },
}

export function writeRequest(conversation: Conversation): JsonObject {
  const own = isOwn(conversation.wire, protocol)
  const settings = own ? null : settingsOf(conversation)
  const translated = settings === null ? { fields: {}, config: {} } : writeGeminiSettings(settings)
  const configKey = textOf(conversation.wire?.['config']) ?? 'generationConfig'
  const config = {
    ...defined({ maxOutputTokens: conversation.maxTokens ?? undefined, temperature: conversation.temperature ?? undefined }),
    ...(own ? objectOf(conversation.extra[configKey]) : translated.config),
  }
  const hasConfig = Object.keys(config).length > 0 || (own && conversation.wire?.['config'] !== undefined)
  const nameOf = findToolNames(conversation.messages)
  const body = {
    ...(own ? conversation.extra : translated.fields),
    ...defined({
      contents: own
        ? conversation.messages.map(message => writeContent(message, nameOf))
        : writeForeignContents(conversation.messages, nameOf),
      ...writeSystem(conversation, own, nameOf),
      ...(hasConfig ? { [own ? configKey : 'generationConfig']: config } : {}),
      tools: writeTools(conversation),
    }),
  }
  const envelope = own ? conversation.wire?.['envelope'] : undefined
  return isObject(envelope) ? { ...envelope, request: body } : body
}

/** Results of other dialects name their call only; here they must name the tool too. */
function findToolNames(messages: readonly Message[]): (callId: string) => string {
  const found = new Map<string, string>()
  for (const { blocks } of messages) for (const block of blocks) if (block.kind === 'tool-call') found.set(block.id, block.name)
  return callId => found.get(callId) ?? (callId === '' ? 'tool' : callId)
}

function writeSystem(conversation: Conversation, own: boolean, nameOf: (callId: string) => string): JsonObject {
  const { key, beside } = own ? objectOf(conversation.wire?.['system']) : {}
  if (conversation.system.length === 0 && key === undefined) return {}
  const parts = conversation.system.flatMap(block => writePart(block, own ? 'own' : 'foreign-request', nameOf))
  return parts.length === 0 && key === undefined ? {} : { [textOf(key) ?? 'systemInstruction']: { ...objectOf(beside), parts } }
}

function writeContent(message: Message, nameOf: (callId: string) => string): Json {
  const [only] = message.blocks
  if (message.wire?.['form'] === 'raw' && only?.kind === 'opaque') return only.raw
  const spelled = message.wire?.['role']
  const role = message.role === 'assistant' ? 'model' : message.role
  return {
    ...defined({ role: spelled === 'absent' ? undefined : (spelled ?? role) }),
    parts: message.blocks.flatMap(block => writePart(block, 'own', nameOf)),
    ...message.extra,
  }
}

/** Roles alternate, results come first. System messages in the middle become user text: there is no such role here. */
function writeForeignContents(messages: readonly Message[], nameOf: (callId: string) => string): JsonObject[] {
  const origin: Origin = 'foreign-request'
  return alternate(messages).flatMap(({ role, blocks }) => {
    const parts = blocks.flatMap(block => writePart(block, origin, nameOf))
    return parts.length === 0 ? [] : [{ role: role === 'assistant' ? 'model' : 'user', parts }]
  })
}
