// Anthropic Messages: {request, response}, so that a row can be sent again: the request of the last call, and what it answered. Earlier
// answers stand in the request's messages; `turnpike.calls` says which messages were generated here. Other dialects are translated.

import type { Json, JsonObject } from '../../core/types.ts'
import { sumWritten } from '../../core/usage.ts'
import { isObject } from '../../protocols/_json.ts'
import { writeStopReason } from '../../protocols/_stop-reasons.ts'
import type { ScopeInfo } from '../sources/source.ts'
import type { Generation, Trajectory, TrajectoryStep } from '../trajectory.ts'
import type { OutputFormat } from './_adapter.ts'
import { readAnthropicRow } from './_anthropic-read.ts'
import { type Aside, isOwnDialect, writeMessageContent } from './_anthropic-rows.ts'
import { writeTool } from './_parts.ts'
import { writeAsked, writeRowMeta } from './_row-meta.ts'
import { listCalls, readRowWith } from './_row-schema.ts'
import schema from './schemas/anthropic.schema.json' with { type: 'json' }

const check = readRowWith('anthropic', schema)

export default {
  id: 'anthropic',
  title: 'Anthropic Messages (request and response)',
  extension: 'jsonl',
  loses:
    'sampling settings, headers, provider ids of answers, whether content was a string or a list; of other protocols (translated) also that a text was a refusal or stood in a system message, and characters in ids that the API does not take; what it cannot say stands under turnpike.omitted',
  policies: ['readable', 'exact', 'tolerant', 'calls'],
  *write({ scope, trajectories }) {
    for (const trajectory of trajectories) yield writeRow(trajectory, scope)
  },
  read: row => readAnthropicRow(check(row)),
  listGenerations: row => listCalls(row['turnpike']),
} satisfies OutputFormat

function writeRow(trajectory: Trajectory, scope: ScopeInfo): JsonObject {
  const own = isOwnDialect(trajectory)
  const aside: Aside = { omitted: [], arguments: [] }
  const last = trajectory.steps.at(-1)
  const answered = last !== undefined && last.generation !== null && last.message.role === 'assistant' ? last : null
  const asked = answered === null ? trajectory.steps : trajectory.steps.slice(0, -1)
  const system = writeMessageContent(trajectory.system, -1, own, aside)
  const messages = asked.map(({ message }, index) => ({
    // Only some models take system text in the middle; what was recorded here was taken.
    role: message.role === 'system' && !own ? 'user' : message.role,
    content: writeMessageContent(message.blocks, index, own, aside),
  }))
  const isNative = own && isObject(trajectory.metadata)
  const response = answered === null ? null : writeResponse(answered, asked.length, own, aside)
  const tools = writeTools(trajectory, own)
  return {
    request: {
      ...(trajectory.model === null ? {} : { model: trajectory.model }),
      ...(trajectory.maxTokens === null ? {} : { max_tokens: trajectory.maxTokens }),
      ...(system.length === 0 ? {} : { system }),
      messages,
      ...(tools.length === 0 ? {} : { tools }),
      ...(isNative ? { metadata: trajectory.metadata } : {}),
    },
    response,
    turnpike: {
      ...writeRowMeta({ trajectory, scope, placeOf: step => step }),
      ...writeAsked(trajectory),
      translated: !own,
      ...aside,
      server_tools: trajectory.tools.filter(tool => tool.schema === null && !(own && isObject(tool.raw))).map(writeTool),
    },
  }
}

function writeResponse({ message, generation }: TrajectoryStep, index: number, own: boolean, aside: Aside): JsonObject {
  const content = writeMessageContent(message.blocks, index, own, aside)
  const stopReason = generation?.stopReason ?? null
  const complete = generation?.partial !== true
  const answer = { id: null, model: null, message, stopReason, usage: null, complete, error: null }
  const usage = generation === null ? null : writeUsage(generation)
  return {
    ...(generation?.answerId == null ? {} : { id: generation.answerId }),
    type: 'message',
    role: 'assistant',
    ...(generation?.model == null ? {} : { model: generation.model }),
    content,
    stop_reason: own ? stopReason : writeStopReason(answer, 'anthropic', false),
    ...(usage === null ? {} : { usage }),
  }
}

/** What was not said stays out: a zero would be a figure. */
function writeUsage({ usage }: Generation): JsonObject | null {
  if (usage === null) return null
  const written = sumWritten(usage)
  return {
    ...(usage.input === null ? {} : { input_tokens: usage.input }),
    ...(written === null ? {} : { cache_creation_input_tokens: written }),
    ...(usage.cachedRead === null ? {} : { cache_read_input_tokens: usage.cachedRead }),
    ...(usage.output === null ? {} : { output_tokens: usage.output }),
  }
}

/** Tools that another provider runs itself cannot be offered here. */
function writeTools({ tools }: Trajectory, own: boolean): Json[] {
  return tools.flatMap(({ name, description, schema, raw }) => {
    if (own && isObject(raw)) return [raw]
    return schema === null ? [] : [{ name, description, input_schema: schema }]
  })
}
