// The shell tool an agent offers, whatever it calls it, and a call of it that its schema accepts. Pure.
// Every name and shape here was seen in recorded traffic of real agents (2026-11); a tool that merely mentions a command is not one.

import type { Json, JsonObject, ToolDefinition } from '../../core/types.ts'

/** Lower-case, best first. */
const shellNames = [
  'bash',
  'shell',
  'run_shell_command',
  'shell_command',
  'execute',
  'exec_command',
  'run_terminal_command',
  'run_terminal_cmd',
  'run_commands',
  'run_command',
  'execute_command',
  'execute_bash',
  'local_shell',
  'terminal',
]
const commandKeys = ['command', 'cmd', 'commands', 'script', 'shell_command', 'input']
/** Of a required choice, the one that promises the least. */
const tameChoices = ['low', 'none', 'sync', 'use_default', 'default', 'run']
/** Codex's code mode: one tool runs JavaScript, in which the tool that runs commands is a function. */
const codeTool = { name: 'exec', nested: /\btools\.exec_command\b/ }
const milliseconds = /ms$|millis/i

/** The tool that runs a command line, or null when none is offered. */
export function findShellTool(tools: readonly ToolDefinition[]): ToolDefinition | null {
  for (const name of shellNames) {
    const tool = tools.find(candidate => candidate.name.toLowerCase() === name && commandKey(candidate.schema) !== null)
    if (tool) return tool
  }
  return (
    tools.find(tool => /(?:^|_)(?:bash|shell|terminal)(?:_|$)/i.test(tool.name) && commandKey(tool.schema) !== null) ??
    tools.find(tool => isCodeTool(tool) || isTypedShell(tool)) ??
    null
  )
}

function isCodeTool(tool: ToolDefinition): boolean {
  return tool.name === codeTool.name && asObject(tool.raw)['type'] === 'custom' && codeTool.nested.test(tool.description)
}

/** The provider's own kind of tool, run by the agent: it has no schema. */
function isTypedShell(tool: ToolDefinition): boolean {
  return asObject(tool.raw)['type'] === 'local_shell'
}

/** Input that runs `command` and satisfies the tool's schema: what is required beside the command is filled, nothing else. */
export function fillShellInput(tool: ToolDefinition, command: string): JsonObject | string {
  if (isCodeTool(tool))
    return `const result = await tools.exec_command({ cmd: ${JSON.stringify(command)} });\ntext(result.output);\n`
  if (isTypedShell(tool)) return { type: 'exec', command: ['sh', '-c', command], env: {} }
  const schema = asObject(tool.schema)
  const properties = asObject(schema['properties'])
  const key = commandKey(tool.schema) ?? 'command'
  const required = Array.isArray(schema['required']) ? schema['required'].filter(name => typeof name === 'string') : []
  const input: Record<string, Json> = {}
  for (const name of required) input[name] = fillValue(name, asObject(properties[name]))
  input[key] = commandValue(key, asObject(properties[key]), command)
  return input
}

function commandKey(schema: Json): string | null {
  const properties = asObject(asObject(schema)['properties'])
  return commandKeys.find(key => key in properties) ?? null
}

function commandValue(key: string, schema: JsonObject, command: string): Json {
  if (!typesOf(schema).includes('array')) return command
  // A list named in the plural holds command lines; one in the singular is an argv.
  return key.endsWith('s') ? [command] : ['sh', '-c', command]
}

function fillValue(name: string, schema: JsonObject): Json {
  if (schema['default'] !== undefined) return schema['default']
  if (schema['const'] !== undefined) return schema['const']
  const choices = schema['enum']
  if (Array.isArray(choices)) return choices.find(choice => tameChoices.includes(String(choice))) ?? choices[0] ?? null
  const types = typesOf(schema)
  if (types.includes('null')) return null
  if (types.includes('boolean')) return false
  if (types.includes('number') || types.includes('integer')) return fillNumber(name, schema)
  if (types.includes('array')) return []
  if (types.includes('object')) return fillObject(schema)
  return 'A simulated shell call'
}

/** The only numbers agents require here are time limits: two minutes, within the schema's bounds. */
function fillNumber(name: string, schema: JsonObject): number {
  const described = typeof schema['description'] === 'string' ? schema['description'] : ''
  const wanted = milliseconds.test(name) || milliseconds.test(described) ? 120_000 : 120
  const least = typeof schema['minimum'] === 'number' ? schema['minimum'] : wanted
  const most = typeof schema['maximum'] === 'number' ? schema['maximum'] : wanted
  return Math.min(Math.max(wanted, least), most)
}

function fillObject(schema: JsonObject): JsonObject {
  const properties = asObject(schema['properties'])
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
  return Object.fromEntries(required.map(name => [name, fillValue(name, asObject(properties[name]))]))
}

/** Every type the schema allows, unions included. */
function typesOf(schema: JsonObject): string[] {
  const own = [schema['type']].flat().filter(type => typeof type === 'string')
  const branches = [schema['anyOf'], schema['oneOf']].flatMap(list => (Array.isArray(list) ? list : []))
  return [...own, ...branches.flatMap(branch => typesOf(asObject(branch)))]
}

function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}
