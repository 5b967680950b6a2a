// Plays a cell until it has a result: a trial that a provider's trouble broke off gets a successor after a pause, which goes on after
// the last turn that was kept. The broken one keeps its rows (docs/decisions/0005); only what passes over by itself is tried again.

import { placeRetryMs, trialRetriesMax } from '../core/limits.ts'
import type { Trial } from '../core/types.ts'
import type { EnvironmentAdapter } from './environments/_adapter.ts'
import type { Job } from './job.ts'
import type { Ledger } from './ledger.ts'
import { pauseUnlessAborted } from './pause.ts'
import type { ProviderPauses } from './provider-pauses.ts'
import { planSuccessor, setAside } from './start-over.ts'

export interface TrialRetries {
  readonly ledger: Ledger
  readonly environment: EnvironmentAdapter
  readonly pauses: ProviderPauses
  readonly signal: AbortSignal
  readonly play: (job: Job) => Promise<Trial>
}

/** The trial that counts in the end. */
export async function playWithRetries(first: Job, retries: TrialRetries): Promise<Trial> {
  const { ledger, environment, pauses, signal } = retries
  let job = first
  for (let retry = 1; ; retry++) {
    await waitForProviders(retries, job)
    const trial = await retries.play(job)
    if (trial.outcome?.kind !== 'environment-failed' || retry > trialRetriesMax || signal.aborted) return trial
    const pauseMs = await judgeTrouble(ledger, trial, pauses, retry)
    if (pauseMs === null) return trial
    const reason = trial.outcome.reason
    await ledger.emit('trial-retried', trial, { retry, retriesMax: trialRetriesMax, pauseMs: Math.round(pauseMs), reason })
    await pauseUnlessAborted(pauseMs, signal)
    if (signal.aborted) return trial
    await setAside(ledger.store, trial)
    // What could not be removed while the daemon was away.
    await environment.sweep([trial.id]).catch(() => undefined)
    job = await planSuccessor(ledger.store, trial, { cell: job.cell, environment })
  }
}

async function judgeTrouble(ledger: Ledger, trial: Trial, pauses: ProviderPauses, retry: number): Promise<number | null> {
  const lost = await ledger.store.list('events', { trialId: trial.id, type: 'place-lost' })
  // A container or its daemon was killed: it is not the agent's fault, and a new one may stand when the pause is over.
  if (lost.length > 0) return (0.5 + Math.random() / 2) * placeRetryMs * 2 ** (retry - 1)
  const calls = (await ledger.store.exchanges({ scopeId: trial.id })).filter(
    exchange => exchange.turn === trial.turn && exchange.attempt === trial.attempt && exchange.protocol !== null,
  )
  const last = calls.at(-1)
  // The agent's own tries are over by now; without a call it was the place that broke, and that has been tried again already.
  return last === undefined ? null : pauses.report(last, retry)
}

/** A trial that calls no model waits for nobody. */
async function waitForProviders({ pauses, signal, ledger }: TrialRetries, { cell, trial }: Job): Promise<void> {
  if (cell.agent.protocols.length === 0) return
  for (let ms = pauses.waitMs(); ms > 0 && !signal.aborted; ms = pauses.waitMs()) {
    await ledger.emit('trial-held', trial, { ms: Math.round(ms) })
    await pauseUnlessAborted(ms, signal)
  }
}
