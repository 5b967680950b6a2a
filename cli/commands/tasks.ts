// `turnpike tasks check`: what a file or directory of tasks holds, and what is wrong with it. Exit 1 when something could not be run.

import { resolve } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { countOf } from '../../report/words.ts'
import { type CheckedTask, checkTasks } from '../tasks-check.ts'
import type { CommandSpec } from './_command.ts'

export const tasksCommand: CommandSpec = {
  usage: 'tasks <action> <path>',
  group: 'Set up',
  summary: 'Check a file or directory of tasks before anybody runs it',
  description:
    'The only action is check: every task is read by itself, so that one mistake does not hide the others; nothing is run or built.\n' +
    'Tells tasks and turns, turns without tests or solutions, unknown keys, wrong values, and images that cannot be built.',
  examples: ['turnpike tasks check my-tasks', 'turnpike tasks check dataset --json'],
  run: async context => {
    const [action, path = ''] = context.arguments
    if (action !== 'check')
      throw new TurnpikeError('E_USAGE', `turnpike tasks knows check, not "${action}"`, { hint: 'turnpike tasks check PATH' })
    const found = await checkTasks(resolve(context.directory, path))
    const errors = found.findings.filter(finding => finding.level === 'error').length
    if (context.json) await context.output.writeJson(found)
    else {
      const listed = found.findings.map(({ level, message }) => `${level}: ${message}\n`)
      const without = [
        ...nameLacking(found.by_task, 'without_tests', 'without tests (played and not scored)'),
        ...nameLacking(found.by_task, 'without_solution', 'without a solution'),
      ]
      const unreadable = found.unreadable === 0 ? '' : `, ${found.unreadable} more that cannot be read`
      const head = `${countOf(found.tasks, 'task')}, ${countOf(found.turns, 'turn')}${unreadable}; ${countOf(errors, 'error')}, ${countOf(found.findings.length - errors, 'warning')}\n`
      await context.output.write([...listed, head, ...without].join(''))
    }
    return errors === 0 ? 0 : 1
  },
}

/** All of a task are said in a word; a few are named. */
function nameLacking(tasks: readonly CheckedTask[], which: 'without_tests' | 'without_solution', what: string): string[] {
  const lacking = tasks.filter(task => task[which].length > 0)
  const count = lacking.reduce((sum, task) => sum + task[which].length, 0)
  if (count === 0) return []
  const named = lacking.map(task => `${task.id}${task[which].length === task.turns ? '' : ` (${task[which].join(', ')})`}`)
  const shown = named.slice(0, namesMax)
  const more = named.length > shown.length ? ` and ${named.length - shown.length} more (--json has them all)` : ''
  return [`${countOf(count, 'turn')} ${what}: ${shown.join(', ')}${more}\n`]
}

const namesMax = 10
