// `turnpike harbor run`: takes what scripts written for `harbor run` give it, plays it as a run of ours, and writes the tree of results those
// scripts read. cli/turnpike-harbor.mjs is the same under a name that fits HARBOR_BIN.

import { basename, join, resolve } from 'node:path'
import { assert, errorCatalogue, isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import type { Json, Run } from '../../core/types.ts'
import { refuseUsed } from '../../report/harbor-tree.ts'
import { type ExportedTree, type ExportPlace, exportTree } from '../harbor-export.ts'
import { type HarborPlace, nameJob, readHarborFlags, readPlace } from '../harbor-flags.ts'
import { providerKeys } from '../providers.ts'
import { runAgents } from '../run-agents.ts'
import { planRun, type RunPlan } from '../run-plan.ts'
import { readRunId } from '../scopes.ts'
import { useStoreAt } from '../store-access.ts'
import { planToll } from '../toll.ts'
import type { CommandContext, CommandSpec } from './_command.ts'

export const harborCommand: CommandSpec = {
  usage: 'harbor <action> [run]',
  group: 'Record and run',
  summary: 'Stand in for `harbor run`: its flags, its tree of results',
  description:
    '`run` plays tasks; models are reached through the recording proxy (--models, --upstream, --simulated as in turnpike run).\n' +
    '`export RUN` writes the same tree of results for a run that the store already has.\n' +
    'What differs from Harbor on purpose, and --harbor-compat, which takes it back: docs/harbor.md.',
  keys: ['run.harbor_compat', 'run.fresh_session', ...providerKeys],
  options: [
    { flags: '-p, --path <dir>', meaning: 'A task, or a directory of tasks.' },
    { flags: '-a, --agent <name>', meaning: 'The agent (default oracle).' },
    { flags: '-m, --model <name>', meaning: 'Its model.' },
    { flags: '-k, --n-attempts <n>', meaning: 'Trials of each task (default 1).' },
    { flags: '-n, --n-concurrent <n>', meaning: 'Trials at once (default 4).' },
    { flags: '-o, --jobs-dir <dir>', meaning: 'Where the results go (default jobs).' },
    { flags: '--job-name <name>', meaning: 'Folder of the results below it (default: date and time).' },
    {
      flags: '--by-task',
      meaning:
        'A folder <task>/harbor_jobs/<model> for each below --jobs-dir, where EvoCode-Bench looks for the runs of a whole set.',
    },
    { flags: '-e, --env <kind>', meaning: 'docker (default) or local.' },
    {
      flags: '--ak, --agent-kwarg <pair...>',
      meaning: 'key=value: a setting of the agent (terminus has some); refused where the agent does not have it.',
    },
    { flags: '--start-step <step>', meaning: 'First step that is played, by name or number.' },
    { flags: '--end-step <step>', meaning: 'Last step that is played.' },
    { flags: '--fast-forward-mode <mode>', meaning: 'oracle-solution: earlier steps are done by their solutions.' },
    { flags: '--resume-trajectory', meaning: 'Accepted: an agent that can continue its conversation does so anyway.' },
    { flags: '-y, --yes', meaning: 'Accepted: nothing is asked.' },
  ],
  examples: [
    'turnpike harbor run --path tasks/my-task --agent oracle --jobs-dir jobs',
    'HARBOR_BIN="turnpike-harbor" ./evaluation/run_single.sh tasks/my-task agent',
    'turnpike harbor export latest --jobs-dir results --by-task',
  ],
  run: async context => {
    const [action, ref] = context.arguments
    if (action === 'run') return runHarbor(context)
    if (action === 'export' && ref !== undefined) return exportRun(context, ref)
    throw new TurnpikeError('E_USAGE', `turnpike harbor knows run and export RUN, not "${context.arguments.join(' ')}"`, {
      hint: 'turnpike harbor run --help',
    })
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
  const place = await choosePlace(context, flags)
  return useStoreAt(plan.config.store, {}, async store => {
    const result = await runAgents(context, store, plan, toll)
    const where = { ...place, dataset: nameDataset(plan, flags.path) }
    const tree = await exportTree(context, store, result.run, where).catch((error: unknown) => {
      throw keepHold(error, result.run)
    })
    await tellTree(context, tree)
    if (result.run.state === 'interrupted') return errorCatalogue.E_INTERRUPTED.exit
    return result.trials.some(trial => trial.outcome?.kind === 'environment-failed' || trial.outcome?.kind === 'interrupted')
      ? 1
      : 0
  })
}

/** Another run may have taken the place meanwhile: nothing is to be played again for that. */
function keepHold(error: unknown, run: Run): unknown {
  if (!isTurnpikeError(error) || error.code !== 'E_OUTPUT_EXISTS') return error
  const hint = `the run is in the store: turnpike harbor export ${run.name} --job-name <another>`
  return new TurnpikeError(error.code, error.message, { hint, cause: error })
}

/** Any run of the store, as the tree that `run` would have left. */
function exportRun(context: CommandContext, ref: string): Promise<number> {
  return useStoreAt(context.config.store, {}, async store => {
    const place = await choosePlace(context, readPlace(context))
    const [run] = await store.list('runs', { id: await readRunId(store, ref) })
    assert(run, 'the run was resolved')
    await tellTree(context, await exportTree(context, store, run, { ...place, dataset: null }))
    return 0
  })
}

/** Before anything is played: what took hours must find a place. */
async function choosePlace(context: CommandContext, given: HarborPlace): Promise<Omit<ExportPlace, 'dataset'>> {
  const jobsDirectory = resolve(context.directory, given.jobsDirectory)
  const jobName = given.jobName ?? nameJob(new Date())
  const isByTask = context.options['byTask'] === true
  if (!isByTask) await refuseUsed(join(jobsDirectory, jobName))
  return { jobsDirectory, jobName, isByTask }
}

const nameDataset = (plan: RunPlan, path: string): string | null => (plan.tasks.length > 1 ? basename(resolve(path)) : null)

async function tellTree(context: CommandContext, { directory: job, trials: written, run }: ExportedTree): Promise<void> {
  const trials = written.map(({ name, directory, trial }) => ({ name, directory, outcome: trial.outcome?.kind ?? null }))
  if (context.json) await context.output.writeJson({ run: run.id, job, trials })
  else await context.output.write(`results  ${job}\nrun      ${run.name} in ${context.config.store}\n`)
}
