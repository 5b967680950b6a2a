// OpenTelemetry traces as OTLP/JSON: one trace per scope, in requests small enough for any collector, each a line of its own that
// `curl -d @-` can send. How lanes become spans stands in _otel-lane.ts, the names of the conventions in _otel-names.ts.

import type { EpochMs, JsonObject } from '../../core/types.ts'
import { isList, objectOf, textOf } from '../../protocols/_json.ts'
import type { ScopeInfo } from '../source.ts'
import type { FailedCall, TrajectorySet } from '../trajectory.ts'
import type { OutputFormat } from './_adapter.ts'
import { writeFailedSpan } from './_otel-calls.ts'
import { nameScopeSpan, writeLane } from './_otel-lane.ts'
import { conventions, nameProvider, names, operations } from './_otel-names.ts'
import { type Attributes, deriveId, type Span, whole, writeRequest, writeSpan } from './_otel-wire.ts'

/** Collectors take requests of 20 MB by default; a span that is larger is alone in its request. */
const requestChars = 4_000_000

export default {
  id: 'otel',
  title: 'OpenTelemetry traces (OTLP/JSON requests, GenAI conventions)',
  extension: 'jsonl',
  loses: 'fields of blocks and messages that are only a provider’s (cache_control, citations), log probabilities and token ids',
  policies: ['readable', 'exact', 'tolerant', 'calls', 'tree', 'tokens'],
  write: writeRequests,
  listGenerations: row => listSpans(row).flatMap(readGeneration),
} satisfies OutputFormat

function* writeRequests(set: TrajectorySet): Generator<JsonObject> {
  const { scope, stray = [] } = set
  const traceId = deriveId(16, 'trace', scope.kind, scope.id)
  const write = (spans: readonly JsonObject[]): JsonObject => writeRequest(writeResource(scope), instrumentation, spans)
  const tools = new Set<string>()
  let lanes = 0
  const times: Times = { start: Number.POSITIVE_INFINITY, end: 0 }
  const extend = (span: Span): void => {
    times.start = Math.min(times.start, span.startedAt)
    times.end = Math.max(times.end, span.endedAt)
  }
  for (const trajectory of set.trajectories) {
    lanes += 1
    let spans: JsonObject[] = []
    let chars = 0
    for (const span of writeLane(trajectory, scope, tools)) {
      extend(span)
      if (span.attributes[names.operation] === operations.tool) tools.add(span.spanId)
      const size = countChars(span.attributes)
      if (spans.length > 0 && chars + size > requestChars) {
        yield write(spans)
        spans = []
        chars = 0
      }
      spans.push(writeSpan(traceId, span))
      chars += size
    }
    yield write(spans)
  }
  if (lanes === 0 && stray.length === 0) return
  const failed = stray.map(call => writeStray(scope, call, lanes === 0 ? 0 : times.start))
  for (const span of failed) extend(span)
  yield write([...failed, writeScopeSpan(set, lanes, times)].map(span => writeSpan(traceId, span)))
}

function countChars(attributes: Attributes): number {
  return Object.values(attributes).reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 20), 0)
}

const instrumentation = {
  name: 'turnpike',
  attributes: [
    { key: 'turnpike.format', value: { stringValue: 'otel/1' } },
    { key: 'turnpike.conventions', value: { stringValue: conventions } },
  ],
}

function writeResource(scope: ScopeInfo): Attributes {
  return {
    'service.name': scope.agent?.name ?? 'unknown_service',
    'service.version': scope.agent?.version,
    'turnpike.scope.kind': scope.kind,
    'turnpike.scope.id': scope.id,
    'turnpike.scope.name': scope.name,
    'turnpike.run.id': scope.runId,
    'turnpike.task': scope.task,
  }
}

function writeStray(scope: ScopeInfo, call: FailedCall, unknownAt: EpochMs): Span {
  const common = { [names.provider]: nameProvider(''), [names.conversation]: scope.id }
  return writeFailedSpan({ scope, spanId: nameScopeSpan(scope), common }, call, unknownAt)
}

interface Times {
  start: EpochMs
  end: EpochMs
}

/** The root of the trace; last, for only now its times are known. Backends take spans in any order. */
function writeScopeSpan({ scope, policy }: TrajectorySet, lanes: number, times: Times): Span {
  return {
    spanId: nameScopeSpan(scope),
    parentId: null,
    name: `${operations.scope} ${scope.task ?? scope.name}`,
    kind: 1,
    startedAt: times.start,
    endedAt: times.end,
    attributes: {
      [names.operation]: operations.scope,
      [names.workflow]: scope.task ?? scope.name,
      [names.conversation]: scope.id,
      'turnpike.policy': policy,
      'turnpike.trajectories': whole(lanes),
      'turnpike.score': scope.score,
    },
    error: null,
  }
}

function listSpans(row: JsonObject): JsonObject[] {
  const lists = (value: unknown, key: string): JsonObject[] => {
    const list = objectOf(value)[key]
    return isList(list) ? list.map(objectOf) : []
  }
  return lists(row, 'resourceSpans').flatMap(one => lists(one, 'scopeSpans').flatMap(scope => lists(scope, 'spans')))
}

function readGeneration(span: JsonObject): string[] {
  const attributes = span['attributes']
  const read = new Map(
    (isList(attributes) ? attributes : []).map(entry => [objectOf(entry)['key'], objectOf(objectOf(entry)['value'])]),
  )
  if (read.get('turnpike.generation')?.['boolValue'] !== true) return []
  const id = textOf(read.get('turnpike.call.id')?.['stringValue'])
  return id === null ? [] : [id]
}
