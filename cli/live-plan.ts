// The live view as `turnpike run` wants it: where it is drawn, in colour or not, and what is known of the run before it begins.

import type { Task, TaskTurn } from '../core/task.ts'
import type { LiveView } from '../report/live.ts'
import type { LivePlan } from '../report/live-state.ts'
import type { CommandContext } from './commands/_command.ts'
import type { RunPlan } from './run-plan.ts'

const quiet: LiveView = { event: () => {}, figures: () => {}, note: () => {}, done: () => {} }

/** Always on standard error. Events and a picture do not go onto the same terminal. */
export async function openLiveView(context: CommandContext, plan: RunPlan): Promise<LiveView> {
  const { output, json, environment } = context
  if (json && output.isTty && output.isStdoutTty) return quiet
  // Loaded here: commands that only look into the store must start fast.
  const { createLiveView } = await import('../report/live.ts')
  const isDumb = environment['TERM'] === 'dumb'
  const color = !isDumb && !environment['NO_COLOR']
  return createLiveView({ stream: output.stderr, isTty: output.isTty && !isDumb, color, plan: describePlan(plan) })
}

export function describePlan({ config, tasks }: Pick<RunPlan, 'config' | 'tasks'>): LivePlan {
  const { costUsd, tokens, calls } = config.budget.run
  return {
    concurrency: config.run.concurrency,
    attempts: config.run.attempts,
    budget: { costUsd, tokens, calls },
    turnNames: new Map(tasks.map((task: Task) => [task.id, task.turns.map(nameTurn)])),
  }
}

const nameLength = 60

/** The author's name for it, or how its request begins. */
function nameTurn({ name, instruction }: TaskTurn): string {
  return name ?? (instruction.trim().split('\n')[0] ?? '').slice(0, nameLength)
}
