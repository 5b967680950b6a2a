// The program of the `terminus` agent: one request of a conversation per process, instruction on standard input, a JSON line on
// standard output. It talks only to TURNPIKE_BASE_URL and holds only the trial's token. Exit: 0 done or terminal closed, 1 the
// model could not be reached or refused, 2 wrong use, 3 limit of model calls reached, 4 no usable tmux.

import { homedir } from 'node:os'
import { join } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { endProgram, type ProgramEnd, readInput, readProtocol, type Variables } from '../agent-program.ts'
import { openHistory } from './history.ts'
import { type LoopResult, runLoop } from './loop.ts'
import type { AskModel, ModelOptions } from './model.ts'
import { type GivenSettings, type Protocol, readSettings, type Settings } from './settings.ts'
import { openTerminal } from './tmux.ts'

/** Loaded when wanted: the clients are most of the time this program takes to start, and one process speaks one protocol. */
const openers: Readonly<Record<Protocol, (options: ModelOptions) => Promise<AskModel>>> = {
  'anthropic-messages': async options => (await import('./anthropic.ts')).openAnthropic(options),
  'openai-chat': async options => (await import('./openai-chat.ts')).openChat(options),
  'openai-responses': async options => (await import('./openai-responses.ts')).openResponses(options),
}

async function main(argv: readonly string[], variables: Variables): Promise<Omit<ProgramEnd, 'complaint'>> {
  const input = readInput('terminus', ['TURNPIKE_TERMINUS'], argv, variables)
  const { session, instruction, baseUrl, token, model, env, signal } = input
  const settings = readGiven(variables['TURNPIKE_TERMINUS'])
  const protocol = readProtocol('terminus', input.protocol, openers)
  const askModel = await openers[protocol]({ ...settings, baseUrl, token, model })
  const result = await converse({ settings, session, instruction, askModel, env, signal })
  const summary = { session, protocol, model, parser: settings.parser, ...result }
  return { exit: result.ended === 'turn-limit' ? 3 : 0, summary }
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

// biome-ignore lint/style/noProcessEnv: a program of its own, whose interface is its environment
const end = await endProgram(() => main(process.argv.slice(2), process.env))
process.stdout.write(`${JSON.stringify(end.summary)}\n`)
process.stderr.write(end.complaint)
process.exitCode = end.exit
