// Small reading of foreign JSON, for the protocols and for whoever reads what is theirs. Pure and total: nothing here throws, whatever the value;
// keys are only ever copied as own properties, so that a body with a `__proto__` key cannot change an object's prototype.

import type { Json, JsonObject } from '../core/types.ts'

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value)
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

export function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

/** The objects of a list; none of what is no list. */
export function objectsOf(value: unknown): JsonObject[] {
  return isList(value) ? value.filter(isObject) : []
}

/** The object's other fields. */
export function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}

/** The fields but for those marked as read. */
export function unreadFields(object: JsonObject, isRead: Readonly<Record<string, boolean>>): JsonObject {
  return without(
    object,
    Object.entries(isRead).flatMap(([key, read]) => (read ? [key] : [])),
  )
}

/** Only the fields that have a value. */
export function defined(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, Json] => entry[1] !== undefined))
}

/** `extra` and `wire` as optional members: an empty one is absent. */
export function notes(extra: JsonObject, wire: JsonObject = {}): { readonly extra?: JsonObject; readonly wire?: JsonObject } {
  return {
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
    ...(Object.keys(wire).length === 0 ? {} : { wire }),
  }
}

/** undefined when the text is not JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** JSON text; '' for a value nested too deeply to be written (thousands of levels, which no provider sends). */
export function printJson(value: Json): string {
  try {
    return JSON.stringify(value)
  } catch {
    return ''
  }
}

/** The input of a tool call from its exact text: nothing at all means no arguments, broken JSON means null. */
export function parseInput(inputText: string): Json {
  return inputText.trim() === '' ? {} : (parseJson(inputText) ?? null)
}
