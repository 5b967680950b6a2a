// The protocol fixtures on disk and what is compared of an answer. Real-shaped, filler text only.
import { readdirSync, readFileSync } from 'node:fs'
import type { Answer, Json } from '../../core/types.ts'
import type { ProtocolAdapter, StreamEvent } from '../../protocols/_adapter.ts'
import { type Framing, readEvents } from '../../protocols/_framing.ts'
import { framingById } from '../../protocols/_framings.ts'
import { openSseDecoder } from '../../protocols/_sse.ts'

const root = new URL('../fixtures/protocols/', import.meta.url)

export interface Fixture {
  readonly name: string
  readonly request: Json | undefined
  readonly response: Json | undefined
  readonly stream: Buffer | undefined
  readonly expected: Json | undefined
}

/** The framing a protocol's streams come in, and its fixtures are written in. */
export function framingOf(protocol: ProtocolAdapter): Framing {
  const framing = framingById(protocol.framings[0] ?? 'sse')
  if (framing === null) throw new Error(`${protocol.id} has no framing`)
  return framing
}

/** Streams are `.stream.txt`; of binary framings, `.events.jsonl` (one `{event, data}` a line, data as JSON), which the framing then writes. */
export function readFixtures(protocol: string): Fixture[] {
  const directory = new URL(`${protocol}/`, root)
  const files = readdirSync(directory)
  const names = [...new Set(files.map(file => file.split('.').slice(0, 2).join('.')))].sort()
  const bytes = (file: string): Buffer | undefined => (files.includes(file) ? readFileSync(new URL(file, directory)) : undefined)
  const json = (file: string): Json | undefined => {
    const text = bytes(file)?.toString('utf8')
    return text === undefined ? undefined : (JSON.parse(text) as Json)
  }
  return names.map(name => ({
    name,
    request: json(`${name}.request.json`),
    response: json(`${name}.response.json`),
    stream: bytes(`${name}.stream.txt`) ?? frame(bytes(`${name}.events.jsonl`)),
    expected: json(`${name}.expected.json`),
  }))
}

function frame(lines: Buffer | undefined): Buffer | undefined {
  if (lines === undefined) return undefined
  const events = lines
    .toString('utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as { readonly event: string; readonly data: Json })
    .map(({ event, data }) => ({ event, data: typeof data === 'string' ? data : JSON.stringify(data) }))
  const framing = framingById('aws-event-stream')
  return framing === null ? undefined : Buffer.concat([...framing.writeEvents(events)])
}

/** The events of a protocol's stream, and a stream of events. */
export function readStream(protocol: ProtocolAdapter, bytes: Uint8Array): StreamEvent[] {
  return readEvents(framingOf(protocol), bytes)
}

export function writeStream(protocol: ProtocolAdapter, events: Iterable<StreamEvent>): Buffer {
  return Buffer.concat([...framingOf(protocol).writeEvents(events)])
}

/** The frames of bytes that arrive cut at the given places, and what is left behind the last. */
export function splitCut(framing: Framing, bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const splitter = framing.openSplitter()
  const places = [0, ...cuts, bytes.length]
  const frames = places.slice(1).flatMap((end, at) => splitter.push(bytes.subarray(places[at], end)))
  const rest = splitter.rest()
  return [...frames, ...(rest.length > 0 ? [rest] : [])]
}

/** The events of bytes cut at the given places. */
export function readCut(framing: Framing, bytes: Buffer, cuts: readonly number[]): StreamEvent[] {
  return splitCut(framing, bytes, cuts).flatMap(part => framing.readFrame(part) ?? [])
}

/** What the hand-written expectations say of an answer. */
export function summarise(answer: Answer): Json {
  const { blocks } = answer.message
  const usage = answer.usage
  const { input, cachedRead, cachedWrite5m, cachedWrite1h, cachedWriteOther, output, reasoning } = usage ?? {}
  return JSON.parse(
    JSON.stringify({
      text: blocks.map(block => (block.kind === 'text' ? block.text : '')).join(''),
      thinking: blocks.map(block => (block.kind === 'thinking' ? block.text : '')).join(''),
      calls: blocks.flatMap(block => (block.kind === 'tool-call' ? [[block.id, block.name, block.inputText]] : [])),
      opaque: blocks.flatMap(block => (block.kind === 'opaque' ? [block.type] : [])),
      stopReason: answer.stopReason,
      usage: usage && { input, cachedRead, cachedWrite5m, cachedWrite1h, cachedWriteOther, output, reasoning },
      source: usage?.source ?? null,
      complete: answer.complete,
      error: answer.error,
      extraKeys: Object.keys(answer.extra ?? {}).sort(),
    }),
  ) as Json
}

/** Decodes bytes cut at the given places. */
export function decodeChunks(bytes: Buffer, cuts: readonly number[]) {
  const decoder = openSseDecoder()
  const places = [0, ...cuts, bytes.length]
  const events = places.slice(1).flatMap((end, at) => decoder.push(bytes.subarray(places[at], end)))
  return [...events, ...decoder.end()]
}

/** Small reproducible pseudo-random numbers (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
