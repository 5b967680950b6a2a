// Which turns of a task are played when a run names the first and the last one, by number or by the name their author gave them. Names
// are looked up in each task by itself: the same name may stand at another place there. Pure.

import { TurnpikeError } from '../core/errors.ts'
import { suggest } from '../core/suggest.ts'
import type { Task } from '../core/task.ts'
import type { Policy } from './policy.ts'

/** 1-based number, or `TaskTurn.name`. */
export type TurnName = number | string

export interface TurnRange {
  readonly fromTurn?: TurnName
  readonly toTurn?: TurnName
}

/** The rules of a run for one task: names of turns have become numbers. Whether the numbers make sense is for the grid to say. */
export function rangeOf(task: Task, policy: Policy, { fromTurn, toTurn }: TurnRange): Policy {
  return {
    ...policy,
    ...(fromTurn === undefined ? {} : { fromTurn: findTurn(task, fromTurn, 'from-turn') }),
    ...(toTurn === undefined ? {} : { toTurn: findTurn(task, toTurn, 'to-turn') }),
  }
}

/** Throws E_USAGE with all names there are. */
export function findTurn(task: Task, wanted: TurnName, flag: string): number {
  if (typeof wanted === 'number') return wanted
  const names = task.turns.map(turn => turn.name ?? `turn-${turn.index}`)
  const at = names.indexOf(wanted)
  if (at >= 0) return task.turns[at]?.index ?? at + 1
  // A name that is all digits was looked for first; without one it is the number.
  if (/^[1-9]\d{0,8}$/.test(wanted)) return Number(wanted)
  const near = suggest(wanted, names)
  throw new TurnpikeError('E_USAGE', `${flag}: no turn of task ${task.id} is named "${wanted}"`, {
    hint: `${near === null ? '' : `did you mean ${near}? `}turns of ${task.id}: ${names.join(', ')} (or 1 to ${names.length})`,
  })
}
