// The program of the `mini` agent: one request of a conversation per process, instruction on standard input, a JSON line on
// standard output. It talks only to TURNPIKE_BASE_URL and holds only the trial's token. Exit: 0 answered, 1 the model could not
// be reached or refused, 2 wrong use, 3 step limit reached.

import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { asTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import { runLoop } from './loop.ts'
import type { Model, ModelOptions } from './model.ts'

type Variables = Readonly<Record<string, string | undefined>>

const protocols = ['anthropic-messages', 'openai-chat'] as const
type Protocol = (typeof protocols)[number]
/** Loaded when wanted: the clients are most of the time this program takes to start, and one process speaks one protocol. */
const openers: Readonly<Record<Protocol, (options: ModelOptions) => Promise<Model>>> = {
  'anthropic-messages': async options => (await import('./anthropic.ts')).openAnthropicModel(options),
  'openai-chat': async options => (await import('./openai.ts')).openOpenaiModel(options),
}

async function main(argv: readonly string[], variables: Variables): Promise<number> {
  const model = need(variables, 'TURNPIKE_MODEL')
  const protocol = readProtocol(variables['TURNPIKE_PROTOCOL'], model)
  const session = readSession(argv)
  const instruction = readFileSync(0, 'utf8')
  if (instruction.trim() === '') throw new TurnpikeError('E_USAGE', 'mini: no instruction on standard input')
  const interrupt = new AbortController()
  process.once('SIGTERM', () => interrupt.abort())
  process.once('SIGINT', () => interrupt.abort())
  const result = await runLoop({
    model: await openers[protocol]({
      baseUrl: need(variables, 'TURNPIKE_BASE_URL'),
      token: need(variables, 'TURNPIKE_TOKEN'),
      model,
      // A conversation is bound to its protocol: the two write their messages differently.
      conversationFile: join(homedir(), '.turnpike-mini', `${session}.${protocol}.jsonl`),
    }),
    instruction,
    stepsMax: readSteps(variables['TURNPIKE_STEPS']),
    env: hideOwn(variables),
    signal: interrupt.signal,
  })
  process.stdout.write(`${JSON.stringify({ session, protocol, model, ...result })}\n`)
  return result.ended === 'answered' ? 0 : 3
}

function need(variables: Variables, name: string): string {
  const value = variables[name]
  if (value === undefined || value === '') throw new TurnpikeError('E_USAGE', `mini: the variable ${name} is not set`)
  return value
}

function readProtocol(wanted: string | undefined, model: string): Protocol {
  if (wanted === undefined || wanted === '' || wanted === 'auto')
    return /claude/i.test(model) ? 'anthropic-messages' : 'openai-chat'
  const protocol = protocols.find(known => known === wanted)
  if (protocol) return protocol
  throw new TurnpikeError('E_USAGE', `mini: TURNPIKE_PROTOCOL is "${wanted}"; known: ${protocols.join(', ')}, auto`)
}

function readSession(argv: readonly string[]): string {
  const [flag, session = ''] = argv
  if (flag === '--session' && /^[\w.-]{1,100}$/.test(session)) return session
  throw new TurnpikeError(
    'E_USAGE',
    'mini: usage: main.js --session NAME (letters, digits, . _ -), instruction on standard input',
  )
}

function readSteps(text: string | undefined): number {
  const steps = text === undefined ? 50 : Number(text)
  if (Number.isSafeInteger(steps) && steps > 0) return steps
  throw new TurnpikeError('E_USAGE', `mini: TURNPIKE_STEPS is "${text}", not a number of steps`)
}

/** The commands of the model see neither the token nor where it is good. */
function hideOwn(variables: Variables): Record<string, string> {
  const own = ['TURNPIKE_TOKEN', 'TURNPIKE_BASE_URL', 'TURNPIKE_MODEL', 'TURNPIKE_PROTOCOL', 'TURNPIKE_STEPS']
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined || own.includes(name) ? [] : [[name, value]])),
  )
}

function describe(error: unknown): { readonly code: string; readonly status: number | null; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error)
  const status = error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : null
  return { code: asTurnpikeError(error).code === 'E_BUG' ? 'E_AGENT_FAILED' : asTurnpikeError(error).code, status, message }
}

try {
  // biome-ignore lint/style/noProcessEnv: a program of its own, whose interface is its environment
  process.exitCode = await main(process.argv.slice(2), process.env)
} catch (error) {
  const failure = describe(error)
  process.stdout.write(`${JSON.stringify({ ended: 'failed', ...failure })}\n`)
  process.stderr.write(`${failure.message}\n`)
  process.exitCode = failure.code === 'E_USAGE' ? 2 : 1
}
