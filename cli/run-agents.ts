// The agents of a run at work, with all that stands around them: proxy, providers, toll, replay, live view. Opened in an order in which each
// finds what it needs, and closed whatever happens. Below the commands that run agents; what comes after the agents is theirs.

import { join } from 'node:path'
import type { RunEvent } from '../core/types.ts'
import { countOf } from '../report/words.ts'
import type { RunOptions, RunResult } from '../runner/run.ts'
import type { Store } from '../store/_adapter.ts'
import type { CommandContext } from './commands/_command.ts'
import { openFigures } from './live-figures.ts'
import { openLiveView } from './live-plan.ts'
import { cacheDirectory, placeDocker } from './machine-places.ts'
import { checkModels } from './model-check.ts'
import { readVersion } from './package-files.ts'
import { openProviders } from './providers.ts'
import { openReplay } from './replay.ts'
import type { RunPlan } from './run-plan.ts'
import { writeRunRecord } from './run-record.ts'
import { nameStore } from './run-results.ts'
import type { RunStream } from './run-stream.ts'
import { openToll, type TollPlan } from './toll.ts'
import { readAccess } from './upstream-access.ts'

/** `stream` is told every event of the run. */
export async function runAgents(
  context: CommandContext,
  store: Store,
  plan: RunPlan,
  tollPlan: TollPlan,
  stream: RunStream | null = null,
): Promise<RunResult> {
  const { output } = context
  const { config } = plan
  // Loaded here: commands that only look into the store must start fast.
  const { startProxy } = await import('../proxy/server.ts')
  const { refuseStrangers } = await import('../proxy/strangers.ts')
  const { executeRun } = await import('../runner/run.ts')
  const { connectDocker } = await import('../runner/environments/_docker-client.ts')
  connectDocker(placeDocker(context.environment))
  const providers = await openProviders(config, context.environment)
  if (config.replay.ref === null)
    for (const warning of checkModels(plan.agents, providers.routes)) output.note(`warning: ${warning}`)
  const view = await openLiveView(context, plan)
  const onEvent = (event: RunEvent): void => {
    if (event.type === 'run-started') announceStop(context, event.runId)
    stream?.event(event)
    view.event(event)
  }
  const figures = openFigures(store, { show: view.figures, onEvent })
  const replay = await openReplay(config, store)
  const toll = await openToll(tollPlan, { store, providers, replay, listeners: figures.listeners })
  const proxy = await startProxy({
    store,
    host: '127.0.0.1',
    port: 0,
    routes: providers.routes,
    ...(await readAccess(config, context.environment)),
    onRecordFailure: config.proxy.onRecordFailure,
    version: readVersion(),
    ...toll.proxyOptions,
    admit: refuseStrangers(toll.proxyOptions.admit),
  })
  output.note(
    `${countOf(plan.tasks.length, 'task')}; agents: ${plan.agents.map(agent => agent.id).join(', ')}; models: ${providers.description}`,
  )
  try {
    return await executeRun({
      ...runSettings(plan, context, { replayRefId: replay.refId, onProgress: view.note }),
      store,
      proxyUrl: proxy.url,
      simulated: providers.simulated || replay.simulated,
      directory: join(config.store, 'work'),
      signal: context.signal,
      onEvent,
      refuseTrial: toll.refuseTrial,
    })
  } finally {
    view.done()
    // Agents are gone; what they left running must not hold the command up.
    await proxy.drain(context.signal.aborted ? 0 : 2_000)
    await figures.flush()
    const replayed = replay.describe()
    if (replayed !== null) output.note(replayed)
    await replay.close()
    await providers.close()
  }
}

/** Said at the first Ctrl-C: ending agents takes moments, and whoever cannot wait must know that nothing is lost. */
function announceStop(context: CommandContext, runId: string): void {
  const { signal, output } = context
  const tell = (): void =>
    output.note(
      `stopping: agents are ended, what was measured is kept. Ctrl-C again ends at once. Go on with: turnpike run --resume ${runId}${nameStore(context)}`,
    )
  if (signal.aborted) tell()
  else signal.addEventListener('abort', tell, { once: true })
}

type Settings = Omit<RunOptions, 'store' | 'proxyUrl' | 'simulated' | 'directory' | 'signal' | 'onEvent' | 'refuseTrial'>

interface Beside {
  readonly replayRefId: string | null
  /** What is said while programs of agents are installed. */
  readonly onProgress: (message: string) => void
}

function runSettings(plan: RunPlan, context: CommandContext, { replayRefId, onProgress }: Beside): Settings {
  const { run, replay, agents } = plan.config
  const path = context.environment['PATH']
  return {
    tasks: plan.tasks,
    agents: plan.agents,
    trials: run.trials,
    attempts: run.attempts,
    feedback: run.feedback,
    onFailure: run.onFailure,
    environment: run.environment,
    concurrency: run.concurrency,
    agentTimeoutMs: run.agentTimeoutMs,
    // Harbor's agents begin each step anew.
    freshSession: run.freshSession || run.harborCompat,
    ...(run.harborCompat ? { harborCompat: true } : {}),
    layers: {
      directory: agents.directory ?? cacheDirectory(context.environment, 'agents'),
      env: context.environment,
      onProgress,
    },
    config: writeRunRecord(
      { ...plan.config, replay: { ...replay, ref: replayRefId } },
      plan.fork === null ? null : `${plan.fork.trial.id}@${plan.fork.origin.kept.turn}`,
    ),
    turnpikeVersion: readVersion(),
    ...(run.fromTurn === null ? {} : { fromTurn: run.fromTurn }),
    ...(run.toTurn === null ? {} : { toTurn: run.toTurn }),
    ...(run.name === null ? {} : { runName: run.name }),
    ...(path ? { path } : {}),
    ...(plan.fork === null ? {} : { fork: plan.fork.origin }),
    ...(plan.resume === null ? {} : { resumeRunId: plan.resume.id }),
  }
}
