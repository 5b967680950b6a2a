// A planned trial: its row in the store before anything has happened, with the cell it stands for. Pure.

import type { Trial } from '../core/types.ts'
import { createUlid } from '../store/ulid.ts'
import type { Cell } from './grid.ts'

export interface Job {
  readonly cell: Cell
  readonly trial: Trial
}

export function planTrial(runId: string, cell: Cell): Trial {
  return {
    id: createUlid(),
    runId,
    name: cell.name,
    taskId: cell.task.id,
    agent: cell.spec.id,
    model: cell.spec.model,
    index: cell.index,
    plannedTurns: cell.task.turns.length,
    state: 'pending',
    outcome: null,
    turn: null,
    attempt: null,
    snapshots: null,
    startedAt: null,
    endedAt: null,
  }
}
