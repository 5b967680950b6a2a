// `turnpike harbor run`: takes what scripts written for `harbor run` give it, plays it as a run of ours, and writes the tree of results those
// scripts read. cli/turnpike-harbor.mjs is the same under a name that fits HARBOR_BIN.

import { basename, join, resolve } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import type { Json } from '../../core/types.ts'
import { writeHarborTree } from '../../report/harbor-tree.ts'
import { decodeNew } from '../derive.ts'
import { nameJob, readHarborFlags } from '../harbor-flags.ts'
import { readVersion } from '../package-files.ts'
import { planRun } from '../run-plan.ts'
import { readScopes } from '../scopes.ts'
import { useStoreAt } from '../store-access.ts'
import { planToll } from '../toll.ts'
import type { CommandContext, CommandSpec } from './_command.ts'
import { runAgents } from './run.ts'

export const harborCommand: CommandSpec = {
  usage: 'harbor <action>',
  group: 'Record and run',
  summary: 'Stand in for `harbor run`: its flags, its tree of results',
  description:
    'The only action is run. Models are reached through the recording proxy (--models, --upstream, --simulated as in turnpike run).\n' +
    'What differs from Harbor on purpose, and --harbor-compat, which takes it back: docs/harbor.md.',
  keys: [
    'run.harbor_compat',
    'run.fresh_session',
    'proxy.models',
    'proxy.upstream',
    'simulated.enabled',
    'simulated.script',
    'simulated.seed',
  ],
  options: [
    { flags: '-p, --path <dir>', meaning: 'A task, or a directory of tasks.' },
    { flags: '-a, --agent <name>', meaning: 'The agent (default oracle).' },
    { flags: '-m, --model <name>', meaning: 'Its model.' },
    { flags: '-k, --n-attempts <n>', meaning: 'Trials of each task (default 1).' },
    { flags: '-n, --n-concurrent <n>', meaning: 'Trials at once (default 4).' },
    { flags: '-o, --jobs-dir <dir>', meaning: 'Where the results go (default jobs).' },
    { flags: '--job-name <name>', meaning: 'Folder of the results below it (default: date and time).' },
    { flags: '-e, --env <kind>', meaning: 'docker (default) or local.' },
    { flags: '--ak, --agent-kwarg <pair...>', meaning: 'Refused with the reason: our agents take no such settings.' },
    { flags: '--start-step <step>', meaning: 'First step that is played, by name or number.' },
    { flags: '--end-step <step>', meaning: 'Last step that is played.' },
    { flags: '--fast-forward-mode <mode>', meaning: 'oracle-solution: earlier steps are done by their solutions.' },
    { flags: '--resume-trajectory', meaning: 'Accepted: an agent that can continue its conversation does so anyway.' },
    { flags: '-y, --yes', meaning: 'Accepted: nothing is asked.' },
  ],
  examples: [
    'turnpike harbor run --path tasks/my-task --agent oracle --jobs-dir jobs',
    'HARBOR_BIN="turnpike-harbor" ./evaluation/run_single.sh tasks/my-task agent',
  ],
  run: async context => {
    const [action] = context.arguments
    if (action !== 'run')
      throw new TurnpikeError('E_USAGE', `turnpike harbor knows run, not "${action}"`, { hint: 'turnpike harbor run --help' })
    return runHarbor(context)
  },
}

async function runHarbor(given: CommandContext): Promise<number> {
  const flags = await readHarborFlags(given)
  const settings = given.reconfigure(flags.settings as Record<string, Json>)
  const context: CommandContext = { ...given, config: settings, arguments: [], options: { ...given.options, resume: undefined } }
  for (const note of flags.notes) context.output.note(note)
  const plan = await planRun(context)
  for (const warning of plan.warnings) context.output.note(`warning: ${warning}`)
  const toll = await planToll(plan.config, 'run')
  return useStoreAt(plan.config.store, {}, async store => {
    const result = await runAgents(context, store, plan, toll)
    const { scopes } = await readScopes(store, result.run.id)
    await decodeNew(store, context, scopes)
    const directory = resolve(context.directory, flags.jobsDirectory, flags.jobName ?? nameJob(new Date()))
    const tree = await writeHarborTree({
      store,
      run: result.run,
      directory,
      work: join(plan.config.store, 'work'),
      dataset: plan.tasks.length > 1 ? basename(resolve(context.directory, flags.path)) : null,
      version: readVersion(),
      writeTrajectory: null,
    })
    const trials = tree.trials.map(({ name, directory: place, trial }) => ({
      name,
      directory: place,
      outcome: trial.outcome?.kind ?? null,
    }))
    if (context.json) await context.output.writeJson({ run: result.run.id, job: tree.directory, trials })
    else await context.output.write(`results  ${tree.directory}\nrun      ${result.run.name} in ${plan.config.store}\n`)
    return result.trials.some(trial => trial.outcome?.kind === 'environment-failed' || trial.outcome?.kind === 'interrupted')
      ? 1
      : 0
  })
}
