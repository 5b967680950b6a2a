// Where two JSON values first differ, in the order of the recorded one, as a path a person can follow and two short excerpts. Pure.

import type { Json, JsonObject } from '../../core/types.ts'
import { writeCanonical } from './canonical.ts'

export interface Difference {
  /** `messages[3].content[0].text`; empty for the values as a whole. */
  readonly path: string
  readonly recorded: string
  readonly asked: string
}

const excerptChars = 60

export function findDifference(recorded: Json | undefined, asked: Json | undefined, path = ''): Difference | null {
  if (isList(recorded) && isList(asked)) return findInLists(recorded, asked, path)
  if (isObject(recorded) && isObject(asked)) return findInObjects(recorded, asked, path)
  if (typeof recorded === 'string' && typeof asked === 'string')
    return recorded === asked ? null : cutTexts(recorded, asked, path)
  return recorded === asked ? null : { path, recorded: excerptOf(recorded), asked: excerptOf(asked) }
}

function findInLists(recorded: readonly Json[], asked: readonly Json[], path: string): Difference | null {
  for (let index = 0; index < Math.max(recorded.length, asked.length); index++) {
    const found = findDifference(recorded[index], asked[index], `${path}[${index}]`)
    if (found !== null) return found
  }
  return null
}

function findInObjects(recorded: JsonObject, asked: JsonObject, path: string): Difference | null {
  for (const key of new Set([...Object.keys(recorded), ...Object.keys(asked)])) {
    const inner = /^[A-Za-z_$][\w$-]*$/.test(key) ? `${path === '' ? '' : `${path}.`}${key}` : `${path}[${JSON.stringify(key)}]`
    const found = findDifference(ownValue(recorded, key), ownValue(asked, key), inner)
    if (found !== null) return found
  }
  return null
}

/** A key may be called `constructor` or `valueOf`: only the object's own count. */
function ownValue(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Long texts agree for a while: the excerpts begin a little before they part. */
function cutTexts(recorded: string, asked: string, path: string): Difference {
  let at = 0
  while (at < recorded.length && recorded[at] === asked[at]) at++
  const start = Math.max(0, at - 15)
  return { path, recorded: cutText(recorded, start), asked: cutText(asked, start) }
}

function cutText(text: string, start: number): string {
  const cut = text.slice(start, start + excerptChars)
  return `${start > 0 ? '…' : ''}${JSON.stringify(cut)}${start + excerptChars < text.length ? '…' : ''}`
}

function excerptOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return cutText(value, 0)
  const text = writeCanonical(value)
  return text.length > excerptChars ? `${text.slice(0, excerptChars)}…` : text
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}
