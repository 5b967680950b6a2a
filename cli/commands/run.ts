// `turnpike run`: proxy, agents, verification, conversion, scores and report, in one go. The order of the stages stands here;
// each is a call into its own folder, and everything between them goes through the store.

import { budgetKeyNames } from '../../core/budget-keys.ts'
import { TurnpikeError } from '../../core/errors.ts'
import type { RunResult } from '../../runner/run.ts'
import { readVersion } from '../package-files.ts'
import { providerKeys } from '../providers.ts'
import { checkReplay, replayKeys } from '../replay.ts'
import { runAgents } from '../run-agents.ts'
import { planRun } from '../run-plan.ts'
import { deriveRun, nameStore, printRun } from '../run-results.ts'
import { openRunStream } from '../run-stream.ts'
import { useStoreAt } from '../store-access.ts'
import { planToll } from '../toll.ts'
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
    ...providerKeys,
    'proxy.upstream_ca',
    'proxy.on_record_failure',
    'proxy.inject',
    ...budgetKeyNames('trial', 'run'),
    ...replayKeys,
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

function interrupted(context: CommandContext, { run }: RunResult): TurnpikeError {
  return new TurnpikeError('E_INTERRUPTED', `the run ${run.name} was stopped; finished trials are kept`, {
    hint: `turnpike run --resume ${run.id}${nameStore(context)}`,
  })
}
