// The program of the `mini` agent: one request of a conversation per process, instruction on standard input, a JSON line on
// standard output. It talks only to TURNPIKE_BASE_URL and holds only the trial's token. Exit: 0 answered, 1 the model could not
// be reached or refused, 2 wrong use, 3 step limit reached.

import { homedir } from 'node:os'
import { join } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { endProgram, type ProgramEnd, readInput, readProtocol, type Variables } from '../agent-program.ts'
import { runLoop } from './loop.ts'
import type { Model, ModelOptions } from './model.ts'

/** Loaded when wanted: the clients are most of the time this program takes to start, and one process speaks one protocol. */
const openers = {
  'anthropic-messages': async (options: ModelOptions): Promise<Model> =>
    (await import('./anthropic.ts')).openAnthropicModel(options),
  'openai-chat': async (options: ModelOptions): Promise<Model> => (await import('./openai.ts')).openOpenaiModel(options),
}

async function main(argv: readonly string[], variables: Variables): Promise<Omit<ProgramEnd, 'complaint'>> {
  const { session, instruction, baseUrl, token, model, env, signal, ...input } = readInput(
    'mini',
    ['TURNPIKE_STEPS'],
    argv,
    variables,
  )
  const protocol = readProtocol('mini', input.protocol, openers)
  const result = await runLoop({
    model: await openers[protocol]({
      ...{ baseUrl, token, model },
      // A conversation is bound to its protocol: the two write their messages differently.
      conversationFile: join(homedir(), '.turnpike-mini', `${session}.${protocol}.jsonl`),
    }),
    instruction,
    stepsMax: readSteps(variables['TURNPIKE_STEPS']),
    env,
    signal,
  })
  return { exit: result.ended === 'answered' ? 0 : 3, summary: { session, protocol, model, ...result } }
}

function readSteps(text: string | undefined): number {
  const steps = text === undefined ? 50 : Number(text)
  if (Number.isSafeInteger(steps) && steps > 0) return steps
  throw new TurnpikeError('E_USAGE', `mini: TURNPIKE_STEPS is "${text}", not a number of steps`)
}

// biome-ignore lint/style/noProcessEnv: a program of its own, whose interface is its environment
const end = await endProgram(() => main(process.argv.slice(2), process.env))
process.stdout.write(`${JSON.stringify(end.summary)}\n`)
process.stderr.write(end.complaint)
process.exitCode = end.exit
