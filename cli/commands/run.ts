// `turnpike run`: proxy, agents, verification, conversion, scores and report, in one go. The order of the stages stands here;
// each is a call into its own folder, and everything between them goes through the store.

import { join } from 'node:path'
import { budgetKeyNames } from '../../core/budget-keys.ts'
import { TurnpikeError } from '../../core/errors.ts'
import type { RunEvent } from '../../core/types.ts'
import { countOf } from '../../report/words.ts'
import type { RunOptions, RunResult } from '../../runner/run.ts'
import type { Store } from '../../store/_adapter.ts'
import { openFigures } from '../live-figures.ts'
import { openLiveView } from '../live-plan.ts'
import { cacheDirectory, placeDocker } from '../machine-places.ts'
import { checkModels } from '../model-check.ts'
import { readVersion } from '../package-files.ts'
import { openProviders } from '../providers.ts'
import { checkReplay, openReplay } from '../replay.ts'
import { planRun, type RunPlan } from '../run-plan.ts'
import { writeRunRecord } from '../run-record.ts'
import { deriveRun, nameStore, printRun } from '../run-results.ts'
import { openRunStream, type RunStream } from '../run-stream.ts'
import { useStoreAt } from '../store-access.ts'
import { openToll, planToll, type TollPlan } from '../toll.ts'
import { readAccess } from '../upstream-access.ts'
import type { CommandContext, CommandSpec } from './_command.ts'

export const runCommand: CommandSpec = {
  usage: 'run [argv...]',
  group: 'Record and run',
  summary: 'Run agents on tasks, turn after turn, and score what came out',
  description:
    'Starts a recording proxy on a free port, gives each agent its own place to work, verifies every turn, then decodes, converts,\n' +
    'scores and reports. Everything lies in the store; a run that was stopped goes on with --resume.\n' +
    'With --agent command, the command line after -- is the agent; docs/agents.md has its placeholders.\n' +
    'With --json each event is a line on standard output, the last one the result; docs/runs.md describes them.',
  keys: [
    'run.tasks',
    'run.agents',
    'run.model',
    'run.environment',
    'run.trials',
    'run.attempts',
    'run.feedback',
    'run.on_failure',
    'run.from_turn',
    'run.to_turn',
    'run.agent_timeout_ms',
    'run.concurrency',
    'run.fresh_session',
    'agents.directory',
    'run.harbor_compat',
    'run.name',
    'proxy.models',
    'proxy.upstream',
    'proxy.upstream_ca',
    'proxy.on_record_failure',
    'proxy.inject',
    ...budgetKeyNames('trial', 'run'),
    'simulated.enabled',
    'simulated.script',
    'simulated.seed',
    'replay.ref',
    'replay.on_miss',
    'replay.timing',
    'replay.store',
    'prices',
  ],
  options: [
    { flags: '--resume <run>', meaning: 'Go on with a run that was stopped; what it was started with is taken from the store.' },
    {
      flags: '--fork <trial@turn>',
      meaning:
        'A new run from the workspace as a trial left it after a turn (number or name), with another agent or model; turns up to it are skipped.',
    },
    { flags: '--report', meaning: 'Print the whole report, not only its head.' },
    { flags: '--next-steps', meaning: 'End with commands to go on with.' },
  ],
  examples: [
    'turnpike run --tasks tasks.jsonl --agent oracle nop',
    'turnpike run --tasks tasks.jsonl --agent mini --model claude-sonnet-4-5 --attempts 2 --trials 3',
    'turnpike run --tasks tasks.jsonl --agent command --fresh-session -- my-agent --prompt {instruction}',
    'turnpike run --resume latest',
    'turnpike run --fork ledger.mini.1@3 --agent mini --model claude-opus-4-5',
    'turnpike run --tasks tasks.jsonl --agent mini --model claude-sonnet-4-5 --replay latest',
  ],
  run: async context => {
    // Before the store: a mistake must not leave an empty one behind.
    const plan = await planRun(context)
    await checkReplay(plan.config)
    const toll = await planToll(plan.config, 'run')
    for (const warning of plan.warnings) context.output.note(`warning: ${warning}`)
    return useStoreAt(context.config.store, {}, async store => {
      const stream = context.json ? openRunStream(context.output, readVersion()) : null
      const result = await runAgents(context, store, plan, toll, stream).finally(() => stream?.end())
      if (result.run.state === 'interrupted') throw interrupted(context, result)
      const derived = await deriveRun(store, result.run, context)
      await printRun(context, result, derived)
      return result.trials.every(trial => trial.outcome?.kind === 'finished') ? 0 : 1
    })
  },
}

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
  const { startProxy } = await import('../../proxy/server.ts')
  const { refuseStrangers } = await import('../../proxy/strangers.ts')
  const { executeRun } = await import('../../runner/run.ts')
  const { connectDocker } = await import('../../runner/environments/_docker-client.ts')
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

function interrupted(context: CommandContext, { run }: RunResult): TurnpikeError {
  return new TurnpikeError('E_INTERRUPTED', `the run ${run.name} was stopped; finished trials are kept`, {
    hint: `turnpike run --resume ${run.id}${nameStore(context)}`,
  })
}
