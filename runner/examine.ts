// Looks at an attempt from outside once its agent has ended: did it see what it must not, and if it failed, why? Findings become events of the trial;
// they explain numbers and never change them.

import type { TaskTurn } from '../core/task.ts'
import type { Exchange, Trial } from '../core/types.ts'
import { blameProvider } from './blame.ts'
import { classifyFailure } from './failure-class.ts'
import type { LeakWatch } from './leaks.ts'
import type { Ledger } from './ledger.ts'
import type { ExecResult } from './processes.ts'
import type { TamperWatch } from './tampering.ts'
import { countRepeats, joinAnswerText, listToolUses } from './wire-signs.ts'

export interface Examined {
  readonly trial: Trial
  readonly turn: TaskTurn
  readonly attempt: number
  /** What the agent was told in this attempt. */
  readonly told: string
}

export async function reportLeaks(ledger: Ledger, watch: LeakWatch, input: Examined): Promise<void> {
  const exchanges = await listExchanges(ledger, input)
  const leaks = await watch.inspect({ store: ledger.store, exchanges }, input.turn.verifier, input.told)
  const at = { turn: input.turn.index, attempt: input.attempt }
  for (const { exchangeId, kind, file } of leaks.slice(0, 1))
    await ledger.emit('leak-found', input.trial, { ...at, exchange: exchangeId, kind, file, requests: leaks.length })
}

/** Paths are many when a package was upgraded; the first tell which. */
const pathsMax = 10

export async function reportTampering(ledger: Ledger, watch: TamperWatch, { trial, turn, attempt }: Examined): Promise<void> {
  const paths = await watch.inspect()
  if (paths.length > 0)
    await ledger.emit('tampering-found', trial, {
      turn: turn.index,
      attempt,
      paths: paths.slice(0, pathsMax),
      count: paths.length,
    })
}

export async function reportFailure(
  ledger: Ledger,
  input: Examined & { readonly agent: ExecResult | null; readonly changed: boolean | null },
): Promise<void> {
  const exchanges = await listExchanges(ledger, input)
  const { agent, changed, turn, attempt } = input
  const last = exchanges.at(-1)
  const refused = exchanges.filter(exchange => exchange.status !== null && exchange.status >= 400)
  const hashes = exchanges.map(exchange => exchange.requestSha256)
  const classified = classifyFailure({
    agent,
    changed,
    blame: blameProvider(exchanges, turn.index, attempt)?.kind ?? null,
    // Earlier refusals were survived: only the last call can have ended the agent.
    errorTexts: last !== undefined && refused.at(-1) === last ? [await readText(ledger, last, 'response')] : [],
    lastAnswer: last === undefined ? '' : joinAnswerText(await readText(ledger, last, 'response')),
    repeats: last === undefined ? 0 : countRepeats(listToolUses(await readText(ledger, last, 'request'))),
    sameRequests: hashes.length - new Set(hashes).size,
  })
  const { primary, labels } = classified
  await ledger.emit('failure-classified', input.trial, { turn: turn.index, attempt, primary, labels })
}

async function listExchanges(ledger: Ledger, { trial, turn, attempt }: Examined): Promise<Exchange[]> {
  const all = await ledger.store.exchanges({ scopeId: trial.id, turn: turn.index, attempt })
  return all.filter(one => one.method === 'POST')
}

async function readText(ledger: Ledger, exchange: Exchange, side: 'request' | 'response'): Promise<string> {
  const body = await ledger.store.readBody(exchange.id, side)
  return body?.bytes.toString('utf8') ?? ''
}
