// The program of the `terminus` agent: one request of a conversation per process, instruction on standard input, a JSON line on
// standard output. It talks only to TURNPIKE_BASE_URL and holds only the trial's token. Exit: 0 done or terminal closed, 1 the
// model could not be reached or refused, 2 wrong use, 3 limit of model calls reached, 4 no usable tmux.

import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { asTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import { openHistory } from './history.ts'
import { type LoopResult, runLoop } from './loop.ts'
import type { AskModel, ModelOptions } from './model.ts'
import { type GivenSettings, type Protocol, readSettings, type Settings } from './settings.ts'
import { openTerminal } from './tmux.ts'

type Variables = Readonly<Record<string, string | undefined>>

/** Loaded when wanted: the clients are most of the time this program takes to start, and one process speaks one protocol. */
const openers: Readonly<Record<Protocol, (options: ModelOptions) => Promise<AskModel>>> = {
  'anthropic-messages': async options => (await import('./anthropic.ts')).openAnthropic(options),
  'openai-chat': async options => (await import('./openai-chat.ts')).openChat(options),
  'openai-responses': async options => (await import('./openai-responses.ts')).openResponses(options),
}

async function main(argv: readonly string[], variables: Variables): Promise<number> {
  const model = need(variables, 'TURNPIKE_MODEL')
  const settings = readGiven(variables['TURNPIKE_TERMINUS'])
  const protocol = settings.protocol !== 'auto' ? settings.protocol : /claude/i.test(model) ? 'anthropic-messages' : 'openai-chat'
  const session = readSession(argv)
  const access = { baseUrl: need(variables, 'TURNPIKE_BASE_URL'), token: need(variables, 'TURNPIKE_TOKEN'), model }
  const instruction = readFileSync(0, 'utf8')
  if (instruction.trim() === '') throw new TurnpikeError('E_USAGE', 'terminus: no instruction on standard input')
  const interrupt = new AbortController()
  process.once('SIGTERM', () => interrupt.abort())
  process.once('SIGINT', () => interrupt.abort())
  const askModel = await openers[protocol]({ ...settings, ...access })
  const { signal } = interrupt
  const result = await converse({ settings, session, instruction, askModel, env: hideOwn(variables), signal })
  process.stdout.write(`${JSON.stringify({ session, protocol, model, parser: settings.parser, ...result })}\n`)
  return result.ended === 'turn-limit' ? 3 : 0
}

interface Talk {
  readonly settings: Settings
  readonly session: string
  readonly instruction: string
  readonly askModel: AskModel
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

async function converse({ settings, session, instruction, askModel, env, signal }: Talk): Promise<LoopResult> {
  const directory = join(homedir(), '.turnpike-terminus')
  const history = openHistory(join(directory, `${session}.jsonl`))
  const terminal = await openTerminal({
    columns: settings.paneWidth,
    rows: settings.paneHeight,
    historyLines: settings.historyLimit,
    cwd: process.cwd(),
    env,
    recordingFile: join(directory, `${session}.pane`),
    signal,
  })
  try {
    return await runLoop({ terminal, history, askModel, instruction, settings, signal })
  } finally {
    await terminal.close()
  }
}

function need(variables: Variables, name: string): string {
  const value = variables[name]
  if (value === undefined || value === '') throw new TurnpikeError('E_USAGE', `terminus: the variable ${name} is not set`)
  return value
}

function readGiven(text: string | undefined): Settings {
  if (text === undefined || text === '') return readSettings({})
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (cause) {
    throw new TurnpikeError('E_USAGE', 'terminus: TURNPIKE_TERMINUS is no JSON', { cause })
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TurnpikeError('E_USAGE', 'terminus: TURNPIKE_TERMINUS must be a JSON object of settings')
  return readSettings(given as GivenSettings)
}

function readSession(argv: readonly string[]): string {
  const [flag, session = ''] = argv
  if (flag === '--session' && /^[\w.-]{1,100}$/.test(session)) return session
  throw new TurnpikeError(
    'E_USAGE',
    'terminus: usage: main.js --session NAME (letters, digits, . _ -), instruction on standard input',
  )
}

/** What runs in the terminal sees neither the token nor where it is good. */
function hideOwn(variables: Variables): Record<string, string> {
  const own = ['TURNPIKE_TOKEN', 'TURNPIKE_BASE_URL', 'TURNPIKE_MODEL', 'TURNPIKE_TERMINUS']
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined || own.includes(name) ? [] : [[name, value]])),
  )
}

function describe(error: unknown): { readonly code: string; readonly status: number | null; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error)
  const status = error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : null
  const { code } = asTurnpikeError(error)
  return { code: code === 'E_BUG' ? 'E_AGENT_FAILED' : code, status, message }
}

const exits: Readonly<Record<string, number>> = { E_USAGE: 2, E_ENVIRONMENT_FAILED: 4 }

try {
  // biome-ignore lint/style/noProcessEnv: a program of its own, whose interface is its environment
  process.exitCode = await main(process.argv.slice(2), process.env)
} catch (error) {
  const failure = describe(error)
  process.stdout.write(`${JSON.stringify({ ended: 'failed', ...failure })}\n`)
  process.stderr.write(`${failure.message}\n`)
  process.exitCode = exits[failure.code] ?? 1
}
