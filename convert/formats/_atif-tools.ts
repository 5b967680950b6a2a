// Tool definitions as ATIF has them (OpenAI's form), and back. A list of tools is written where it is first used and named by a hash from
// then on: every sub-agent and fork of a session has the same ones.

import { createHash } from 'node:crypto'
import type { Json, JsonObject, ToolDefinition } from '../../core/types.ts'
import { defined, isList, isObject, objectOf, textOf } from '../../protocols/_json.ts'

/** The wire forms that say nothing but name, description and schema. */
const forms: Readonly<Record<string, (tool: Omit<ToolDefinition, 'raw'>) => JsonObject>> = {
  anthropic: ({ name, description, schema }) => ({ name, description, input_schema: schema }),
  'openai-chat': tool => ({ type: 'function', function: writeFunction(tool) }),
  'openai-responses': tool => ({ type: 'function', ...writeFunction(tool) }),
  gemini: writeFunction,
}

function writeFunction({ name, description, schema }: Omit<ToolDefinition, 'raw'>): JsonObject {
  return { name, description, parameters: schema }
}

/** Names lists of tools over one document. */
export interface ToolTable {
  readonly write: (tools: readonly ToolDefinition[]) => WrittenTools
}

export interface WrittenTools {
  /** Only at the first place. */
  readonly definitions?: readonly JsonObject[]
  readonly notes?: JsonObject
}

export function createToolTable(): ToolTable {
  const known = new Set<string>()
  const names = new WeakMap<readonly ToolDefinition[], string>()
  const nameOf = (tools: readonly ToolDefinition[]): string => {
    const name = names.get(tools) ?? createHash('sha256').update(JSON.stringify(tools)).digest('hex').slice(0, 16)
    names.set(tools, name)
    return name
  }
  return {
    write: tools => {
      if (tools.length === 0) return {}
      const id = nameOf(tools)
      if (known.has(id)) return { notes: { same_as: id } }
      known.add(id)
      return { definitions: tools.map(writeTool), notes: { id, raw: tools.map(writeRaw) } }
    },
  }
}

function writeTool({ name, description, schema }: ToolDefinition): JsonObject {
  return { type: 'function', function: defined({ name, description, parameters: schema ?? undefined }) }
}

/** The name of a form that gives it back, else the definition as the wire had it. */
function writeRaw(tool: ToolDefinition): Json {
  if (tool.raw === null) return null
  const text = JSON.stringify(tool.raw)
  return Object.keys(forms).find(form => JSON.stringify(forms[form]?.(tool)) === text) ?? { raw: tool.raw }
}

/** Reads in the order of writing: what is named must have been read. */
export function createToolReader(): (definitions: Json | undefined, notes: Json | undefined) => readonly ToolDefinition[] {
  const known = new Map<string, readonly ToolDefinition[]>()
  return (definitions, notes) => {
    const { id, same_as: same, raw } = objectOf(notes)
    if (typeof same === 'string') return known.get(same) ?? []
    if (!isList(definitions)) return []
    const tools = definitions.map((definition, index) => readTool(definition, isList(raw) ? raw[index] : { raw: definition }))
    if (typeof id === 'string') known.set(id, tools)
    return tools
  }
}

function readTool(definition: Json, raw: Json | undefined): ToolDefinition {
  const nested = objectOf(definition)['function']
  const { name, description, parameters, input_schema: schema } = isObject(nested) ? nested : objectOf(definition)
  const tool = {
    name: textOf(name) ?? textOf(objectOf(definition)['type']) ?? '',
    description: textOf(description) ?? '',
    schema: parameters ?? schema ?? null,
  }
  if (isObject(raw)) return { ...tool, raw: raw['raw'] ?? null }
  return { ...tool, raw: typeof raw === 'string' ? (forms[raw]?.(tool) ?? null) : null }
}
