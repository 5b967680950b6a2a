// Which fault, if any, happens to a call. Pure: the same seed, scope name and order of calls give the same faults, on any machine and in
// any run, whatever else runs at the same time. Earlier rules win.

import { createHash } from 'node:crypto'
import { matchModel } from '../routes.ts'
import type { InjectRule, InjectSpec, Range } from './spec.ts'

export interface PlannedCall {
  /** Name of the trial or session: ids differ from run to run. */
  readonly scope: string
  /** 1-based number of the model call in its scope. */
  readonly call: number
  readonly turn: number | null
  readonly model: string | null
  readonly protocol: string
}

/** `struck`: how often the rule has happened to this scope already. */
export function chooseFault(spec: InjectSpec, call: PlannedCall, struck: (rule: InjectRule) => number): InjectRule | null {
  return (
    spec.rules.find(rule => fits(rule, call) && (rule.times === null || struck(rule) < rule.times) && falls(spec, rule, call)) ??
    null
  )
}

function fits(rule: InjectRule, call: PlannedCall): boolean {
  if (rule.calls !== null && !within(rule.calls, call.call)) return false
  if (rule.every !== null && call.call % rule.every !== 0) return false
  if (rule.turns !== null && (call.turn === null || !within(rule.turns, call.turn))) return false
  if (rule.model !== null && (call.model === null || matchModel(rule.model, call.model) === null)) return false
  return rule.protocol === null || rule.protocol === call.protocol
}

function within(ranges: readonly Range[], number: number): boolean {
  return ranges.some(({ from, to }) => number >= from && number <= to)
}

/** Every rule throws its own dice for every call, so that adding a rule moves no other's. */
function falls(spec: InjectSpec, rule: InjectRule, call: PlannedCall): boolean {
  if (rule.rate === null) return true
  const digest = createHash('sha256')
    .update(JSON.stringify([spec.seed, rule.number, call.scope, call.call]))
    .digest()
  return digest.readUIntBE(0, 6) / 2 ** 48 < rule.rate
}

/** For the record: which fault, which rule, which seed. */
export function describeFault(spec: InjectSpec, rule: InjectRule, call: PlannedCall): string {
  return `injected on purpose: ${rule.text} (rule ${rule.number}, seed ${spec.seed}, call ${call.call} of ${call.scope})`
}
