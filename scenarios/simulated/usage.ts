// Estimates the tokens of a prompt and what a provider's prompt cache would have held of it. Bytes / 4, rounded up: an estimate,
// documented and labelled as such, never a tokenizer's count. Works on the request as sent, since cache marks are the wire's.

import { createHash } from 'node:crypto'
import type { Json, JsonObject } from '../../core/types.ts'

export interface PromptEstimate {
  /** input + cachedRead + cachedWrite5m + cachedWrite1h = tokens of the whole prompt. */
  readonly input: number
  readonly cachedRead: number
  readonly cachedWrite5m: number
  readonly cachedWrite1h: number
}

/** Prefixes that were sent before. One per server, as a provider has one; the oldest are forgotten. */
export interface PromptMemory {
  readonly prefixes: Set<string>
}

const prefixesMax = 200_000
const bytesPerToken = 4

interface Segment {
  readonly bytes: number
  readonly mark: '5m' | '1h' | null
  /** Digest of everything up to and including this segment. */
  readonly prefix: string
}

export function openPromptMemory(): PromptMemory {
  return { prefixes: new Set() }
}

export function estimateTokens(bytes: number): number {
  return Math.ceil(bytes / bytesPerToken)
}

/** Anthropic: only what a cache_control mark covers is written; any prefix written before is read. */
export function estimateMarkedPrompt(body: JsonObject, memory: PromptMemory): PromptEstimate {
  const segments = cutMarkedPrompt(body)
  const lastMark = segments.findLastIndex(segment => segment.mark !== null)
  const known = segments.slice(0, lastMark + 1).findLastIndex(segment => memory.prefixes.has(segment.prefix))
  const written = { '5m': 0, '1h': 0 }
  let from = known
  for (const [index, segment] of segments.entries()) {
    if (segment.mark === null) continue
    remember(memory, segment.prefix)
    if (index <= known) continue
    written[segment.mark] += tokensUpTo(segments, index) - tokensUpTo(segments, from)
    from = index
  }
  return {
    input: tokensUpTo(segments, segments.length - 1) - tokensUpTo(segments, Math.max(lastMark, known)),
    cachedRead: tokensUpTo(segments, known),
    cachedWrite5m: written['5m'],
    cachedWrite1h: written['1h'],
  }
}

/** OpenAI: every prefix is kept unasked, message by message; writing is not reported. */
export function estimateUnmarkedPrompt(body: JsonObject, memory: PromptMemory): PromptEstimate {
  const parts = [...asList(body['tools']), ...asList(body['messages'])].map(element => ({ element, mark: null }))
  const segments = chain(body, parts)
  const known = segments.findLastIndex(segment => memory.prefixes.has(segment.prefix))
  for (const segment of segments) remember(memory, segment.prefix)
  const cachedRead = tokensUpTo(segments, known)
  return { input: tokensUpTo(segments, segments.length - 1) - cachedRead, cachedRead, cachedWrite5m: 0, cachedWrite1h: 0 }
}

/** Tokens of an Anthropic prompt, nothing remembered: what count_tokens answers. */
export function countPromptTokens(body: JsonObject): number {
  const segments = cutMarkedPrompt(body)
  return tokensUpTo(segments, segments.length - 1)
}

function tokensUpTo(segments: readonly Segment[], index: number): number {
  let bytes = 0
  for (let at = 0; at <= index; at++) bytes += segments[at]?.bytes ?? 0
  return estimateTokens(bytes)
}

interface Part {
  readonly element: Json
  readonly mark: Segment['mark']
}

function cutMarkedPrompt(body: JsonObject): Segment[] {
  const parts = [...asList(body['tools']), ...asBlocks(body['system'])].map(block => cutPart(block, null))
  for (const message of asList(body['messages'])) {
    if (!isObject(message)) continue
    parts.push(...asBlocks(message['content']).map(block => cutPart(block, message['role'] ?? null)))
  }
  const last = parts.at(-1)
  // A mark on the request itself stands for one on the last block.
  if (last && last.mark === null) parts.splice(-1, 1, { ...last, mark: readMark(body) })
  return chain(body, parts)
}

/** The mark moves on from call to call and is not part of what is cached. */
function cutPart(block: Json, role: Json): Part {
  if (!isObject(block)) return { element: [role, block], mark: null }
  const { cache_control: _mark, ...rest } = block
  return { element: [role, rest], mark: readMark(block) }
}

function readMark(holder: JsonObject): Segment['mark'] {
  const control = holder['cache_control']
  if (!isObject(control)) return null
  return control['ttl'] === '1h' ? '1h' : '5m'
}

function chain(body: JsonObject, parts: readonly Part[]): Segment[] {
  // Caches are kept per model.
  let prefix = String(body['model'])
  return parts.map(({ element, mark }) => {
    const text = JSON.stringify(element)
    prefix = createHash('sha256').update(prefix).update(text).digest('base64')
    return { bytes: Buffer.byteLength(text), mark, prefix }
  })
}

/** A bare string and one text block are the same prompt: agents switch between them when the mark moves on. */
function asBlocks(content: Json | undefined): readonly Json[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : asList(content)
}

function asList(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function remember(memory: PromptMemory, prefix: string): void {
  memory.prefixes.delete(prefix)
  memory.prefixes.add(prefix)
  if (memory.prefixes.size <= prefixesMax) return
  for (const oldest of memory.prefixes) {
    memory.prefixes.delete(oldest)
    return
  }
}
