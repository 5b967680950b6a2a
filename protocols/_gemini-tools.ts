// Tools of Gemini requests: lists of function declarations, and the provider's own tools. Each declaration is a tool; how they were grouped
// is noted. Used by _gemini-request.ts only. Pure.

import type { Conversation, Json, JsonObject, ToolDefinition } from '../core/types.ts'
import { isList, isObject, objectOf, textOf, without } from './_json.ts'
import { isOwn } from './_settings.ts'

const emptySchema: JsonObject = { type: 'object', properties: {} }
const listKeys = ['functionDeclarations', 'function_declarations']

export interface ReadTools {
  readonly tools: ToolDefinition[]
  /** One entry an element of the list: what stood beside its declarations, and how many they were; null = an element kept whole. */
  readonly groups: Json[]
}

export function readTools(list: readonly Json[]): ReadTools {
  const tools: ToolDefinition[] = []
  const groups: Json[] = []
  for (const raw of list) {
    const key = listKeys.find(candidate => isList(objectOf(raw)[candidate]))
    const declarations = key === undefined ? null : objectOf(raw)[key]
    if (key === undefined || !isList(declarations)) {
      tools.push({ name: Object.keys(objectOf(raw))[0] ?? '', description: '', schema: null, raw })
      groups.push(null)
      continue
    }
    tools.push(...declarations.map(readDeclaration))
    groups.push({ key, declarations: declarations.length, beside: without(objectOf(raw), [key]) })
  }
  return { tools, groups }
}

function readDeclaration(raw: Json): ToolDefinition {
  const fields = objectOf(raw)
  const schema = fields['parametersJsonSchema'] ?? fields['parameters'] ?? emptySchema
  return { name: textOf(fields['name']) ?? '', description: textOf(fields['description']) ?? '', schema, raw }
}

/** undefined = there are none. A provider-side tool of another dialect cannot be offered here; it is left out. */
export function writeTools(conversation: Conversation): Json[] | undefined {
  const { tools, wire } = conversation
  const groups = wire?.['tools']
  const own = wire?.['protocol'] === 'gemini'
  const again = own && isList(groups) ? regroup(tools, groups) : null
  if (again !== null) return again
  if (own && groups === undefined && tools.length === 0) return undefined
  const declarations = tools.flatMap(tool => (tool.schema === null ? [] : [writeDeclaration(tool, wire)]))
  const others = own ? tools.filter(tool => tool.schema === null).map(tool => tool.raw) : []
  const list = [...(declarations.length === 0 ? [] : [{ functionDeclarations: declarations }]), ...others]
  return list.length === 0 ? undefined : list
}

/** null when the tools are no longer those that were read. */
function regroup(tools: readonly ToolDefinition[], groups: readonly Json[]): Json[] | null {
  const list: Json[] = []
  let at = 0
  for (const group of groups) {
    const { key, declarations, beside } = objectOf(group)
    const size = typeof declarations === 'number' ? declarations : 1
    const raws = tools.slice(at, at + size).map(tool => tool.raw)
    at += size
    if (typeof key === 'string') list.push({ [key]: raws, ...objectOf(beside) })
    else list.push(...raws)
  }
  return at === tools.length ? list : null
}

function writeDeclaration(tool: ToolDefinition, wire: JsonObject | undefined): Json {
  const native = isObject(tool.raw) && ('parametersJsonSchema' in tool.raw || 'parameters' in tool.raw)
  if (wire?.['protocol'] === 'gemini' || (isOwn(wire, 'gemini') && native)) return tool.raw
  return { name: tool.name, description: tool.description, parametersJsonSchema: tool.schema ?? emptySchema }
}
