// Reads the data of run events, which is JSON of any shape: what is not there or of another kind is null, never an exception.

import type { Json, JsonObject, TurnState } from '../core/types.ts'

export function readTests(data: JsonObject): { readonly passed: number; readonly total: number } | null {
  const [passed, total] = [readNumber(data['testsPassed']), readNumber(data['testsTotal'])]
  return passed === null || total === null ? null : { passed, total }
}

export function readStates(value: Json | undefined): Array<readonly [number, TurnState]> {
  const pairs = Object.entries(readObject(value ?? null)).map(([turn, state]) => [Number(turn), state] as const)
  return pairs.filter((pair): pair is readonly [number, TurnState] => Number.isInteger(pair[0]) && typeof pair[1] === 'string')
}

export function readObject(value: Json): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : {}
}

export function readText(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null
}

export function readNumber(value: Json | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

export function readCount(value: Json | undefined): number {
  return Math.max(0, Math.floor(readNumber(value) ?? 0))
}
