// Secrets never reach the disk: masking of known secrets in bytes, text, headers and URLs, and of common key shapes where asked.
// Pure. Masking keeps lengths, so offsets and sizes in the record stay true.

import type { HeaderList } from './types.ts'

/** Shorter strings are no secrets: masking "a" everywhere would destroy the record. */
const secretCharsMin = 8

export interface Masked {
  /** The same object when nothing was found. */
  readonly bytes: Uint8Array
  readonly ranges: ReadonlyArray<readonly [start: number, length: number]>
}

/** Replaces every occurrence of every secret by `*`. Ranges are sorted and do not overlap. */
export function maskBytes(bytes: Uint8Array, secrets: readonly string[]): Masked {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: Array<[number, number]> = []
  for (const secret of secrets) {
    if (secret.length < secretCharsMin) continue
    const needle = Buffer.from(secret)
    for (let at = view.indexOf(needle); at >= 0; at = view.indexOf(needle, at + needle.length)) found.push([at, needle.length])
  }
  if (found.length === 0) return { bytes, ranges: [] }
  const ranges = mergeRanges(found)
  const copy = Buffer.from(view)
  for (const [start, length] of ranges) copy.fill(0x2a, start, start + length)
  return { bytes: copy, ranges }
}

function mergeRanges(ranges: Array<[number, number]>): Array<[number, number]> {
  ranges.sort((a, b) => a[0] - b[0])
  const merged: Array<[number, number]> = []
  for (const [start, length] of ranges) {
    const last = merged.at(-1)
    if (last && start <= last[0] + last[1]) last[1] = Math.max(last[1], start + length - last[0])
    else merged.push([start, length])
  }
  return merged
}

export function maskText(text: string, secrets: readonly string[]): string {
  const found: Array<[number, number]> = []
  for (const secret of secrets) {
    if (secret.length < secretCharsMin) continue
    for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + secret.length)) found.push([at, secret.length])
  }
  // All are found before any is masked: of two secrets that overlap, masking one must not hide the other's rest from the search.
  let masked = ''
  let end = 0
  for (const [start, length] of mergeRanges(found)) {
    masked += text.slice(end, start) + '*'.repeat(length)
    end = start + length
  }
  return masked + text.slice(end)
}

/** Headers that are credentials whatever the protocol. Lower case. */
const credentialHeaders = new Set([
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'cookie',
  'set-cookie',
  'x-amz-security-token',
])

/** Masks credential headers whole (a scheme word such as Bearer stays) and known secrets in the others. */
export function maskHeaders(headers: HeaderList, secretHeaders: readonly string[], secrets: readonly string[]): HeaderList {
  return headers.map(([name, value]) => {
    // A credential sent as a trailer is one all the same.
    const lower = name.toLowerCase().replace(/^trailer:/, '')
    if (!credentialHeaders.has(lower) && !secretHeaders.includes(lower)) return [name, maskText(value, secrets)] as const
    const scheme = /^(Bearer|Basic|Negotiate) /i.exec(value)?.[0] ?? ''
    return [name, scheme + '*'.repeat(value.length - scheme.length)] as const
  })
}

/** Query parameters that carry keys. */
const keyParameter =
  /((?:^|&)(?:key|api_key|apikey|access_token|token|x-amz-security-token|x-amz-signature|x-amz-credential)=)([^&]*)/gi

export function maskQuery(query: string, secrets: readonly string[]): string {
  return maskText(query, secrets).replace(keyParameter, (_, name: string, value: string) => name + '*'.repeat(value.length))
}

/** Shapes of keys nobody told us about: provider keys, cloud keys, tokens of code hosts, private keys. */
const keyShapes = [
  /sk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}/g,
  /AIza[A-Za-z0-9_-]{35}/g,
  /(?:AKIA|ASIA)[A-Z0-9]{16}/g,
  /gh[pousr]_[A-Za-z0-9]{36,}/g,
  /github_pat_[A-Za-z0-9_]{40,}/g,
  /glpat-[A-Za-z0-9_-]{20,}/g,
  /xox[abprs]-[A-Za-z0-9-]{20,}/g,
  /hf_[A-Za-z0-9]{30,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s\\n]+-----END [A-Z ]*PRIVATE KEY-----/g,
]

/** The strings in `text` that look like keys: candidates for `maskBytes`. */
export function findKeyShapes(text: string): string[] {
  return keyShapes.flatMap(shape => text.match(shape) ?? [])
}
