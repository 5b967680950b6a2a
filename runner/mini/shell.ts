// The one tool of `mini`: a bash command with a time limit and bounded output. Servers that a command puts into the background
// stay alive for the next command; a command that runs into its limit is killed with everything it started.

import { existsSync } from 'node:fs'
import { runGroup } from '../processes.ts'

export const shellTool = {
  name: 'bash',
  description:
    'Runs a command with bash in the working directory and returns its output and exit status. Each call starts a new shell: ' +
    'directory changes and variables do not carry over, files do. Commands are killed after two minutes; start servers in the ' +
    'background with their output redirected to a file. There is no terminal: nothing can be asked.',
  schema: {
    type: 'object' as const,
    properties: { command: { type: 'string', description: 'The command to run.' } },
    required: ['command'],
    additionalProperties: false,
  },
}

const commandTimeoutMs = 120_000
const outputCharsMax = 16_000

export interface ShellResult {
  readonly text: string
  readonly failed: boolean
}

/** `input` is whatever the model sent as arguments; anything but `{command: text}` is answered, not thrown. */
export async function runShell(input: unknown, env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<ShellResult> {
  const command = readCommand(input)
  if (command === null) {
    return { text: 'The arguments must be a JSON object with one text: {"command": "…"}. Nothing was run.', failed: true }
  }
  const shell = existsSync('/bin/bash') ? ['/bin/bash', '--norc'] : ['/bin/sh']
  const result = await runGroup({
    argv: [...shell, '-c', command],
    cwd: process.cwd(),
    env,
    timeoutMs: commandTimeoutMs,
    signal,
    outputCharsMax,
    lingerMs: 250,
  })
  const ending = {
    exited: `exit status ${result.exit ?? 'none (ended by a signal)'}`,
    'timed-out': `killed after ${commandTimeoutMs / 1000} seconds`,
    interrupted: 'interrupted',
    'failed-to-start': `could not be started: ${result.startFailure}`,
  }[result.ended]
  const output = [result.stdout, result.stderr].filter(part => part !== '').map(part => part.replace(/\n?$/, '\n'))
  return { text: `${output.join('')}[${ending}]`, failed: result.ended !== 'exited' || result.exit !== 0 }
}

function readCommand(input: unknown): string | null {
  if (typeof input !== 'object' || input === null || !('command' in input)) return null
  return typeof input.command === 'string' && input.command.trim() !== '' ? input.command : null
}
