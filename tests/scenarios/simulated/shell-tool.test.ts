import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import type { JsonObject, ToolDefinition } from '../../../core/types.ts'
import { fillShellInput, findShellTool } from '../../../scenarios/simulated/shell-tool.ts'

function tool(name: string, properties: JsonObject, required: string[]): ToolDefinition {
  const schema = { type: 'object', properties, required, additionalProperties: false }
  return { name, description: '', schema, raw: { name } }
}

const string = { type: 'string' }
const number = { type: 'number' }
const codeTool = (description: string): ToolDefinition => ({
  name: 'exec',
  description,
  schema: null,
  raw: { type: 'custom', name: 'exec' },
})
const decoys = [
  tool('Read', { file_path: string }, ['file_path']),
  tool('task', { description: string, prompt: string, command: string }, ['description', 'prompt']),
  tool('monitor', { command: string, description: string }, ['command', 'description']),
  tool('background_process', { action: { enum: ['start', 'stop'] }, command: string }, ['action']),
]

/** Shapes that real agents offer. */
const shells: ReadonlyArray<[ToolDefinition, JsonObject]> = [
  [tool('Bash', { command: string, timeout: number, description: string }, ['command']), { command: 'ls' }],
  [
    tool('bash', { command: string, description: string }, ['command', 'description']),
    { command: 'ls', description: 'A simulated shell call' },
  ],
  [
    tool('bash', { command: string, timeout: { anyOf: [number, { type: 'null' }] } }, ['command', 'timeout']),
    { command: 'ls', timeout: null },
  ],
  [
    tool('Execute', { summary: string, command: string, riskLevel: { type: 'string', enum: ['high', 'medium', 'low'] } }, [
      'summary',
      'command',
      'riskLevel',
    ]),
    { summary: 'A simulated shell call', command: 'ls', riskLevel: 'low' },
  ],
  [tool('run_commands', { commands: { type: 'array', items: string } }, ['commands']), { commands: ['ls'] }],
  [tool('shell', { command: { type: 'array', items: string } }, ['command']), { command: ['sh', '-c', 'ls'] }],
  [tool('exec_command', { cmd: string, tty: { type: 'boolean' } }, ['cmd', 'tty']), { cmd: 'ls', tty: false }],
  [
    tool('run_shell_command', { command: string, is_background: { type: 'boolean', default: false } }, [
      'command',
      'is_background',
    ]),
    { command: 'ls', is_background: false },
  ],
  [
    tool('run_terminal_command', { command: string, timeout_ms: { type: 'integer', maximum: 60_000 } }, [
      'command',
      'timeout_ms',
    ]),
    { command: 'ls', timeout_ms: 60_000 },
  ],
  [
    tool('my_shell_v2', { script: string, env: { type: 'object', properties: { A: string }, required: ['A'] } }, [
      'script',
      'env',
    ]),
    { script: 'ls', env: { A: 'A simulated shell call' } },
  ],
]

describe('the shell tool', () => {
  it.each(shells)('$name is found among others and called as its schema wants', (shell, input) => {
    const found = findShellTool([...decoys, shell])
    expect(found).toBe(shell)
    const filled = fillShellInput(shell, 'ls')
    expect(filled).toEqual(input)
    expect(new Ajv2020({ strict: false }).compile(shell.schema as JsonObject)(filled)).toBe(true)
  })

  it('in the code mode of Codex is JavaScript that runs the command', () => {
    const code = codeTool('Runs JavaScript, for example `await tools.exec_command(...)`.')
    const source = fillShellInput(code, 'echo "a\\n" > \'b\'\nls')
    expect(findShellTool([...decoys, code])).toBe(code)
    const ran: unknown[] = []
    const tools = { exec_command: async (input: unknown) => ran.push(input) && { output: 'seen' } }
    const shown: unknown[] = []
    const run = new Function('tools', 'text', `return (async () => {${source}})()`) as (...given: unknown[]) => Promise<void>
    return run(tools, (value: unknown) => shown.push(value)).then(() => {
      expect(ran).toEqual([{ cmd: 'echo "a\\n" > \'b\'\nls' }])
      expect(shown).toEqual(['seen'])
    })
  })

  it("may be of the provider's own kind, without a schema", () => {
    const local: ToolDefinition = { name: 'local_shell', description: '', schema: null, raw: { type: 'local_shell' } }
    expect(findShellTool([...decoys, local])).toBe(local)
    expect(fillShellInput(local, 'ls -a')).toEqual({ type: 'exec', command: ['sh', '-c', 'ls -a'], env: {} })
  })

  it('is not made up where none is offered', () => {
    expect(findShellTool(decoys)).toBeNull()
    expect(findShellTool([])).toBeNull()
    expect(findShellTool([codeTool('Runs JavaScript without a shell.')])).toBeNull()
    expect(findShellTool([{ ...codeTool('tools.exec_command'), raw: { type: 'function' } }])).toBeNull()
    expect(findShellTool([{ name: 'bash', description: '', schema: null, raw: {} }])).toBeNull()
  })
})
