// Tools of OpenAI Responses: functions, custom tools with free text, tools the provider runs, and namespaces that hold several. All that
// the model may call is listed flat, whether it stands in `tools` or in an item of the input (as Codex sends it); the notes say where each
// stood, so that the list is written again as it was. Pure.

import type { Conversation, Json, JsonObject, ToolDefinition } from '../core/types.ts'
import { isList, isObject, objectOf, textOf, without } from './_json.ts'
import { isOwn } from './_settings.ts'

const emptySchema: JsonObject = { type: 'object', properties: {} }

/** Tools in a row that stood at one place. */
interface Group {
  readonly count: number
  /** Fields of the namespace that held them. */
  readonly namespace?: JsonObject
  /** They stand in an input item, which is written for itself. */
  readonly item?: true
}

export interface ToolsRead {
  readonly tools: readonly ToolDefinition[]
  /** For `wire`; undefined when there is nothing to note. */
  readonly groups: Json | undefined
}

export function readTools(list: Json | undefined, items: readonly Json[]): ToolsRead {
  const offered = isList(list) ? list.map(raw => readEntry(raw)) : []
  const added = items.flatMap(item => (isAdditional(item) ? item['tools'].map(raw => readEntry(raw)) : []))
  const groups = [
    ...offered.map(entry => entry.group),
    ...added.map(({ group }) => ({ count: group.count, item: true }) as const),
  ]
  const isSimple = groups.every(group => group.count === 1 && !('namespace' in group) && !('item' in group))
  return {
    tools: [...offered, ...added].flatMap(entry => entry.tools),
    groups: isList(list) && list.length === 0 && added.length === 0 ? 'empty' : isSimple ? undefined : noteOf(groups, list),
  }
}

function noteOf(groups: readonly Group[], list: Json | undefined): JsonObject {
  return { groups: groups.map(group => ({ ...group })), ...(isList(list) ? {} : { list: 'absent' }) }
}

/** Tools that stand in the input instead of in `tools`. */
export function isAdditional(item: Json): item is JsonObject & { readonly tools: readonly Json[] } {
  return isObject(item) && item['type'] === 'additional_tools' && isList(item['tools'])
}

function readEntry(raw: Json): { readonly tools: readonly ToolDefinition[]; readonly group: Group } {
  if (!isObject(raw) || raw['type'] !== 'namespace' || !isList(raw['tools']))
    return { tools: [readTool(raw)], group: { count: 1 } }
  const tools = raw['tools'].map(readTool)
  return { tools, group: { count: tools.length, namespace: without(raw, ['tools']) } }
}

function readTool(raw: Json): ToolDefinition {
  const fields = objectOf(raw)
  const { type, name, description, parameters } = fields
  return {
    // Tools of the provider have no name but their type.
    name: textOf(name) ?? textOf(objectOf(fields['function'])['name']) ?? textOf(type) ?? '',
    description: textOf(description) ?? '',
    // A function that names no parameters has none; free text and the provider's own tools declare nothing.
    schema: parameters ?? (type === 'function' ? emptySchema : null),
    raw,
  }
}

/** undefined = the request has no list of its own. */
export function writeTools(conversation: Conversation, protocol: string): readonly Json[] | undefined {
  const { tools, wire } = conversation
  const note = objectOf(wire?.['tools'])
  const groups = isOwn(wire, protocol) ? regroup(tools, note['groups']) : null
  if (groups !== null) return note['list'] === 'absent' && groups.length === 0 ? undefined : groups
  const written = tools.flatMap(tool => writeTool(tool, wire, protocol))
  return written.length > 0 || wire?.['tools'] === 'empty' ? written : undefined
}

/** null when nothing was noted, or the tools are no longer those that were read. */
function regroup(tools: readonly ToolDefinition[], noted: Json | undefined): Json[] | null {
  if (!isList(noted)) return null
  const written: Json[] = []
  let at = 0
  for (const note of noted) {
    const { count, namespace, item } = objectOf(note)
    if (typeof count !== 'number') return null
    const raws = tools.slice(at, at + count).map(tool => tool.raw)
    if (item !== true) written.push(...(isObject(namespace) ? [{ ...namespace, tools: raws }] : raws))
    at += count
  }
  return at === tools.length ? written : null
}

/**
 * A tool that another dialect's provider runs cannot be offered here; it is left out. `strict` is on here unless a request says otherwise,
 * and would refuse most schemas of agents.
 */
function writeTool(tool: ToolDefinition, wire: JsonObject | undefined, protocol: string): Json[] {
  const own = isOwn(wire, protocol)
  const native = isObject(tool.raw) && typeof tool.raw['type'] === 'string' && !isObject(tool.raw['function'])
  if (wire?.['protocol'] === protocol || (own && native)) return [tool.raw]
  if (tool.schema === null && !own) return []
  const { name, description, schema } = tool
  return [{ type: 'function', name, description, parameters: schema ?? emptySchema, strict: false }]
}
