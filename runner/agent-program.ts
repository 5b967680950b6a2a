// What the programs of our own agents (`mini`, `terminus`) have in common: one request of a conversation per process, what they are told
// and in which variables, and what they say when they fail. Runs where the agent runs; their main.ts print and end.

import { readFileSync } from 'node:fs'
import { asTurnpikeError, TurnpikeError } from '../core/errors.ts'
import type { AgentContext } from './agents/_adapter.ts'

export type Variables = Readonly<Record<string, string | undefined>>

/** One request, as the program is told it. */
export interface ProgramInput {
  readonly session: string
  readonly instruction: string
  readonly baseUrl: string
  /** Good for the trial's proxy only, and all this program holds. */
  readonly token: string
  readonly model: string
  readonly protocol: string
  /** For what the model runs: it sees neither the token nor where it is good. */
  readonly env: Readonly<Record<string, string>>
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal
}

export interface ProgramEnd {
  readonly exit: number
  /** The line on standard output. */
  readonly summary: object
  /** On standard error; empty when all went well. */
  readonly complaint: string
}

const names = {
  baseUrl: 'TURNPIKE_BASE_URL',
  token: 'TURNPIKE_TOKEN',
  model: 'TURNPIKE_MODEL',
  protocol: 'TURNPIKE_PROTOCOL',
} as const

/** The variables that `readInput` reads. */
export function writeVariables({ baseUrls, token, spec }: AgentContext, protocol: string): Record<string, string> {
  return { [names.baseUrl]: baseUrls.root, [names.token]: token, [names.model]: spec.model ?? '', [names.protocol]: protocol }
}

/** `program` is how messages name it, `own` the variables that are its alone. E_USAGE for what is missing or wrong. */
export function readInput(program: string, own: readonly string[], argv: readonly string[], variables: Variables): ProgramInput {
  const need = (name: string): string => {
    const value = variables[name]
    if (value === undefined || value === '') throw new TurnpikeError('E_USAGE', `${program}: the variable ${name} is not set`)
    return value
  }
  const told = {
    baseUrl: need(names.baseUrl),
    token: need(names.token),
    model: need(names.model),
    protocol: need(names.protocol),
    session: readSession(program, argv),
    instruction: readFileSync(0, 'utf8'),
  }
  if (told.instruction.trim() === '') throw new TurnpikeError('E_USAGE', `${program}: no instruction on standard input`)
  const interrupt = new AbortController()
  process.once('SIGTERM', () => interrupt.abort())
  process.once('SIGINT', () => interrupt.abort())
  return { ...told, env: hide(variables, [...Object.values(names), ...own]), signal: interrupt.signal }
}

function readSession(program: string, argv: readonly string[]): string {
  const [flag, session = ''] = argv
  if (flag === '--session' && /^[\w.-]{1,100}$/.test(session)) return session
  throw new TurnpikeError(
    'E_USAGE',
    `${program}: usage: main.js --session NAME (letters, digits, . _ -), instruction on standard input`,
  )
}

function hide(variables: Variables, own: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined || own.includes(name) ? [] : [[name, value]])),
  )
}

/** One of the protocols the program speaks. */
export function readProtocol<P extends string>(program: string, asked: string, spoken: Readonly<Record<P, unknown>>): P {
  const known = Object.keys(spoken) as P[]
  const protocol = known.find(name => name === asked)
  if (protocol !== undefined) return protocol
  throw new TurnpikeError('E_USAGE', `${program}: ${names.protocol} is "${asked}"; known: ${known.join(', ')}`)
}

const exits: Readonly<Record<string, number>> = { E_USAGE: 2, E_ENVIRONMENT_FAILED: 4 }

/** What goes wrong in `work` is said as an end of it; nothing is thrown. */
export async function endProgram(work: () => Promise<Omit<ProgramEnd, 'complaint'>>): Promise<ProgramEnd> {
  try {
    return { ...(await work()), complaint: '' }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const status = error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : null
    const { code } = asTurnpikeError(error)
    const summary = { ended: 'failed', code: code === 'E_BUG' ? 'E_AGENT_FAILED' : code, status, message }
    return { exit: exits[code] ?? 1, summary, complaint: `${message}\n` }
  }
}
