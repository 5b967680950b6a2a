// Which model a request asks for, found in the bytes without parsing the body: the top-level `model` string, or the name in the
// path. Pure; total on any bytes. Skips values instead of building them because bodies are large and asked for on every call.

import { readModelPath } from '../protocols/_model-path.ts'

export interface ModelPlace {
  readonly model: string
  /** Byte range of the string's content between its quotes. */
  readonly start: number
  readonly end: number
}

const quote = 0x22
const backslash = 0x5c

/** The `model` key of a top-level JSON object; null when there is none or the bytes are no such JSON. */
export function findModel(bytes: Uint8Array): ModelPlace | null {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = skipSpace(body, 0)
  if (body[at] !== 0x7b) return null
  at = skipSpace(body, at + 1)
  while (body[at] === quote) {
    const keyEnd = endOfString(body, at)
    if (keyEnd < 0) return null
    const isModel = keyEnd - at === 7 && body.toString('latin1', at + 1, keyEnd - 1) === 'model'
    at = skipSpace(body, keyEnd)
    if (body[at] !== 0x3a) return null
    at = skipSpace(body, at + 1)
    if (isModel && body[at] === quote) return readPlace(body, at)
    at = skipSpace(body, endOfValue(body, at))
    if (body[at] !== 0x2c) return null
    at = skipSpace(body, at + 1)
  }
  return null
}

function readPlace(body: Buffer, at: number): ModelPlace | null {
  const end = endOfString(body, at)
  if (end < 0) return null
  try {
    const model: unknown = JSON.parse(body.toString('utf8', at, end))
    return typeof model === 'string' ? { model, start: at + 1, end: end - 1 } : null
  } catch {
    return null // a malformed string is the upstream's to complain about
  }
}

/** The index after the closing quote of the string that opens at `at`; -1 when it never closes. */
function endOfString(body: Buffer, at: number): number {
  let end = body.indexOf(quote, at + 1)
  while (end >= 0) {
    let slashes = 0
    while (body[end - 1 - slashes] === backslash) slashes++
    if (slashes % 2 === 0) return end + 1
    end = body.indexOf(quote, end + 1)
  }
  return -1
}

/** The index after the value at `at`; the end of the body when it never ends. */
function endOfValue(body: Buffer, at: number): number {
  if (body[at] === quote) {
    const end = endOfString(body, at)
    return end < 0 ? body.length : end
  }
  if (body[at] === 0x7b || body[at] === 0x5b) return endOfNest(body, at)
  let end = at
  while (end < body.length && body[end] !== 0x2c && body[end] !== 0x7d) end++
  return end
}

/** The index after the object or array that opens at `at`. */
function endOfNest(body: Buffer, at: number): number {
  let depth = 0
  for (let index = at; index < body.length; index++) {
    const byte = body[index]
    if (byte === quote) {
      const end = endOfString(body, index)
      if (end < 0) return body.length
      index = end - 1
    } else if (byte === 0x7b || byte === 0x5b) depth++
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return index + 1
  }
  return body.length
}

function skipSpace(body: Buffer, from: number): number {
  let at = from
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at++
  return at
}

/** `/v1beta/models/<model>:generateContent`, `/model/<model>/invoke`: the model stands in the path. */
export function findModelInPath(path: string): string | null {
  return readModelPath(path)?.model ?? null
}

/** The path with another model name; as it is when it names none. */
export function renameModelInPath(path: string, model: string): string {
  const place = readModelPath(path)
  // Clients of Vertex AI write versions with a bare @.
  const name = encodeURIComponent(model).replaceAll('%40', '@')
  return place === null ? path : path.slice(0, place.start) + name + path.slice(place.end)
}

/** The body with another model name; for routes that rename. */
export function renameModel(body: Uint8Array, place: ModelPlace, model: string): Uint8Array {
  const name = Buffer.from(JSON.stringify(model).slice(1, -1))
  return Buffer.concat([body.subarray(0, place.start), name, body.subarray(place.end)])
}
