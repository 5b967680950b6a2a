// Deals scopes to named parts (train, test) by a hash of their task: the same for the same seed whatever else is exported, and never
// two parts for one task. Pure.

import { createHash } from 'node:crypto'
import { TurnpikeError } from '../core/errors.ts'
import type { ScopeInfo } from './source.ts'

export interface SplitPart {
  readonly name: string
  /** Of 1. */
  readonly share: number
}

export interface Split {
  readonly parts: readonly SplitPart[]
  readonly by: 'task' | 'session'
  readonly seed: string
}

/** `train=0.9,test=0.1`. */
export function parseSplit(text: string): readonly SplitPart[] {
  const parts = text.split(',').map((word): SplitPart => {
    const match = /^\s*([A-Za-z0-9][A-Za-z0-9_-]*)\s*=\s*(\d*\.?\d+)\s*$/.exec(word)
    if (match === null) return fail(`"${word.trim()}" is no part: a name of letters, digits, - and _, then = and a share`)
    return { name: match[1] ?? '', share: Number(match[2]) }
  })
  const names = parts.map(part => part.name)
  const double = names.find((name, index) => names.indexOf(name) !== index)
  if (double !== undefined) return fail(`"${double}" is named twice`)
  const total = parts.reduce((sum, part) => sum + part.share, 0)
  if (Math.abs(total - 1) > 1e-9) return fail(`the shares add up to ${Number(total.toFixed(9))}, not to 1`)
  return parts
}

function fail(problem: string): never {
  throw new TurnpikeError('E_USAGE', `--split: ${problem}`, { hint: 'write it as --split train=0.9,test=0.1' })
}

/** What is dealt as one: a task with all its trials, else a session. */
export function nameUnit(scope: ScopeInfo, by: Split['by']): string {
  return by === 'task' && scope.task !== null ? `task ${scope.task}` : `session ${scope.name}`
}

export function choosePart({ parts, by, seed }: Split, scope: ScopeInfo): string {
  const digest = createHash('sha256')
    .update(`${seed}\0${nameUnit(scope, by)}`)
    .digest()
  // 48 bits: exact in a double, and finer than any share.
  const place = digest.readUIntBE(0, 6) / 2 ** 48
  let end = 0
  for (const part of parts) {
    end += part.share
    if (place < end && part.share > 0) return part.name
  }
  // Shares that add up to a hair below 1.
  return parts.findLast(part => part.share > 0)?.name ?? ''
}
