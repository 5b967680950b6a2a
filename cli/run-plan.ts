// What a run is about to do, from the configuration: tasks read, agents named, and for `--resume` the run it goes on with.
// Refuses what cannot work before anything is started.

import type { Config } from '../core/config.ts'
import { TurnpikeError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import type { Run } from '../core/types.ts'
import type { AgentSpec } from '../runner/agents/_adapter.ts'
import { findAgent } from '../runner/agents/_all.ts'
import { loadTasks } from '../runner/tasks/_all.ts'
import type { Store } from '../store/_adapter.ts'
import type { CommandContext } from './commands/_command.ts'
import { type Fork, type ForkedTrial, findForked, placeFork } from './fork-plan.ts'
import { readForkName, readRunRecord, refuseOtherMeasure } from './run-record.ts'
import { useStore } from './store-access.ts'

export interface RunPlan {
  readonly config: Config
  readonly tasks: readonly Task[]
  readonly agents: readonly AgentSpec[]
  readonly warnings: readonly string[]
  readonly resume: Run | null
  readonly fork: Fork | null
}

export async function planRun(context: CommandContext): Promise<RunPlan> {
  const name = context.options['resume']
  const resume = typeof name === 'string' ? await useStore(context, {}, store => findRun(store, name)) : null
  const forked = await readFork(context, resume)
  const based = resume ?? forked?.run ?? null
  const config = takeArgv(based === null ? context.config : resumedConfig(context, based), context.arguments)
  if (resume !== null) refuseOtherMeasure(resume, config)
  const agents = nameAgents(config)
  if (config.run.tasks === null) throw missing('tasks', '--tasks', 'run.tasks')
  if (agents.length === 0) throw missing('agent', '--agent', 'run.agents')
  const { tasks, warnings } = await loadTasks(config.run.tasks, {
    environment: context.environment,
    harborCompat: config.run.harborCompat,
  })
  const fork = forked === null ? null : await useStore(context, {}, store => placeFork(store, forked, tasks))
  return { config, tasks: fork === null ? tasks : [fork.task], agents, warnings, resume, fork }
}

/** A resumed run goes on as the fork it was. */
async function readFork(context: CommandContext, resume: Run | null): Promise<ForkedTrial | null> {
  const name = resume === null ? context.options['fork'] : readForkName(resume)
  const asked = typeof context.options['fork'] === 'string'
  if (resume !== null && asked)
    throw new TurnpikeError('E_USAGE', '--fork starts a new run and --resume goes on with one: give only one of them')
  if (asked && context.options['fromTurn'] !== undefined)
    throw new TurnpikeError('E_USAGE', '--fork begins after its own turn: leave out --from-turn', {
      hint: 'name another turn behind the @, or give --from-turn without --fork to begin after reference solutions',
    })
  return typeof name === 'string' ? useStore(context, {}, store => findForked(store, name, resume !== null)) : null
}

function missing(what: string, flag: string, key: string): TurnpikeError {
  return new TurnpikeError('E_USAGE', `no ${what} given`, {
    hint: `name ${what === 'tasks' ? 'a file or directory of them' : 'one'} with ${flag}, or set ${key} in turnpike.yaml (turnpike init writes an example)`,
  })
}

async function findRun(store: Store, name: string): Promise<Run> {
  const ref = await store.resolveRef(name)
  const [run] = ref.kind === 'run' ? await store.list('runs', { id: ref.id }) : []
  if (!run) throw new TurnpikeError('E_REF_UNKNOWN', `"${name}" is a ${ref.kind}, not a run`)
  return run
}

/** A configuration named on the command line is taken as it is; without one the run goes on with its own. */
function resumedConfig(context: CommandContext, run: Run): Config {
  if (typeof context.options['config'] === 'string') return context.config
  return context.reconfigure(readRunRecord(run, { argv: context.arguments.length > 0 }))
}

/** As a part of the configuration, because it is recorded with the run, and a run that is gone on with finds it there. */
function takeArgv(config: Config, argv: readonly string[]): Config {
  if (argv.length === 0) return config
  if (!config.run.agents.some(agent => agent.name === 'command'))
    throw new TurnpikeError('E_USAGE', `unexpected argument "${argv[0]}"`, {
      hint: 'a command line after -- is for --agent command; everything else is an option: turnpike run --help',
    })
  const command = { first: argv, next: null, stdin: null, env: {} }
  const agents = config.run.agents.map(agent => (agent.name === 'command' ? { ...agent, command } : agent))
  return { ...config, run: { ...config.run, agents } }
}

function nameAgents(config: Config): AgentSpec[] {
  return config.run.agents.map(agent => {
    // The reference solutions and doing nothing have no model, whatever the run's model is.
    const model = findAgent(agent.name).protocols.length === 0 ? null : agent.model
    const { name: id, model: _model, command, ...how } = agent
    return { id, model, ...(command === null ? {} : { command }), ...how }
  })
}
