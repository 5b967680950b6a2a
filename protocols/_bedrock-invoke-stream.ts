// Streams of Bedrock's InvokeModel: every event is a `chunk` whose `bytes` are the model maker's own event in base64. Anthropic's are folded
// as Anthropic's; those of other makers are kept as they came. Used by bedrock-invoke.ts only. Pure and total.

import type { Answer, Json, JsonObject, Usage } from '../core/types.ts'
import type { StreamEvent } from './_adapter.ts'
import * as anthropic from './_anthropic-stream.ts'
import { readException, writeException } from './_bedrock-errors.ts'
import { countOf, isObject, objectOf, parseJson, printJson, textOf } from './_json.ts'
import { unread } from './_unread.ts'
import { describeUsage } from './_usage.ts'

/** Bedrock's own figures, in the last event of any maker's stream. */
const metricsKey = 'amazon-bedrock-invocationMetrics'
const anthropicTypes = /^(?:message_|content_block_|ping$|error$)/

interface Fold {
  /** The makers' events in order, and what is no chunk as it came. */
  readonly events: StreamEvent[]
  /** Those of them that are JSON. */
  readonly others: Json[]
  isAnthropic: boolean
  exception: Answer['error']
  metrics: JsonObject | null
}

export function foldEvents(events: Iterable<StreamEvent>): Answer {
  const fold: Fold = { events: [], others: [], isAnthropic: false, exception: null, metrics: null }
  for (const event of events) foldEvent(fold, event)
  const { exception, metrics } = fold
  const answer = fold.isAnthropic || fold.others.length === 0 ? anthropic.foldEvents(fold.events) : foldOthers(fold)
  const extra = metrics === null ? {} : { extra: { ...answer.extra, [metricsKey]: metrics } }
  return { ...answer, ...extra, complete: answer.complete && exception === null, error: exception ?? answer.error }
}

function foldEvent(fold: Fold, event: StreamEvent): void {
  const exception = readException(event)
  if (exception !== null) {
    fold.exception = exception
    return
  }
  const inner = openChunk(event)
  const data = inner === null ? undefined : parseJson(inner)
  if (isObject(data) && isObject(data[metricsKey])) fold.metrics = data[metricsKey]
  if (anthropicTypes.test(textOf(objectOf(data)['type']) ?? '')) fold.isAnthropic = true
  else if (data !== undefined) fold.others.push(data)
  fold.events.push(inner === null ? event : { event: '', data: inner })
}

/** The maker's event inside; null when the event holds none. */
export function openChunk({ data }: StreamEvent): string | null {
  const { bytes } = objectOf(parseJson(data))
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64').toString('utf8') : null
}

/** Another maker's events: no decoded view, but their bytes, why they stopped, and Bedrock's figures. */
function foldOthers({ events, others, metrics }: Fold): Answer {
  const stops = others.map(data => textOf(objectOf(data)['stop_reason']) ?? textOf(objectOf(data)['completionReason']))
  const left = events.filter(event => event.event !== '').map(event => unread(event, 'unknown-event'))
  return {
    id: null,
    model: null,
    message: { role: 'assistant', blocks: [{ kind: 'opaque', type: 'chunks', raw: others }] },
    stopReason: stops.findLast(stop => stop !== null) ?? null,
    usage: metrics === null ? null : readMetrics(metrics),
    complete: metrics !== null,
    error: null,
    ...(left.length === 0 ? {} : { extra: { unread_events: left } }),
    wire: { protocol: 'bedrock-invoke' },
  }
}

function readMetrics(raw: JsonObject): Usage {
  const counts = {
    input: countOf(raw['inputTokenCount']),
    cachedRead: countOf(raw['cacheReadInputTokenCount']),
    cachedWriteOther: countOf(raw['cacheWriteInputTokenCount']),
    output: countOf(raw['outputTokenCount']),
    reasoning: null,
  }
  return describeUsage({ counts, serviceTier: null, raw, mapping: 'bedrock-invoke/1' })
}

export function* writeEvents(answer: Answer, chunkText?: (text: string) => readonly string[]): Iterable<StreamEvent> {
  const [only] = answer.message.blocks
  const metrics = answer.extra?.[metricsKey]
  if (only?.kind === 'opaque' && only.type === 'chunks' && Array.isArray(only.raw)) {
    for (const data of only.raw as readonly Json[]) yield wrapChunk(printJson(data))
  } else
    for (const event of anthropic.writeEvents({ ...answer, error: null }, chunkText))
      yield event.event === '' || anthropicTypes.test(event.event) ? wrapChunk(withMetrics(event.data, metrics)) : event
  if (answer.error) yield writeException(answer.error)
}

function withMetrics(data: string, metrics: Json | undefined): string {
  if (!isObject(metrics) || !data.startsWith('{"type":"message_stop"')) return data
  return printJson({ type: 'message_stop', [metricsKey]: metrics })
}

function wrapChunk(inner: string): StreamEvent {
  return { event: 'chunk', data: printJson({ bytes: Buffer.from(inner).toString('base64') }) }
}
