// Prompt/completion rows for TRL, which trains on the completion only: it holds no answer but those generated here, so a trainer that knows
// no marks never trains on context. A context answer ends a row; answers that were cut or doubtful are never in a completion.

import type { JsonObject } from '../../core/types.ts'
import { objectOf, parseJson, textOf } from '../../protocols/_json.ts'
import type { OutputFormat } from './_adapter.ts'
import { type ChatRow, writeChatRow } from './_chat-rows.ts'
import { listCalls } from './_row-schema.ts'
import { trlLoses, trlSpelling } from './_trl-messages.ts'

export default {
  id: 'trl-prompt',
  title: 'TRL prompts and completions',
  extension: 'jsonl',
  loses: trlLoses,
  policies: ['readable', 'exact', 'tolerant', 'calls'],
  *write({ scope, trajectories }) {
    for (const trajectory of trajectories) {
      const row = writeChatRow(trajectory, scope, trlSpelling)
      for (const part of splitRow(row)) yield writePart(row, part)
    }
  },
  listGenerations: row => listCalls(objectOf(parseJson(textOf(row['turnpike']) ?? ''))),
} satisfies OutputFormat

/** Indexes of messages: the completion is from `start` to `end`; the row accounts for calls from `from` to `to`. */
interface Part {
  readonly start: number
  readonly end: number
  readonly from: number
  readonly to: number
}

/** A completion goes on as long as every answer in it may be trained on, and ends with the last of them. */
function splitRow({ messages }: ChatRow): Part[] {
  const runs: Array<{ start: number; end: number }> = []
  let current: { start: number; end: number } | null = null
  for (const [index, { role, train }] of messages.entries()) {
    if (role !== 'assistant') continue
    if (train !== true) current = null
    else if (current !== null) current.end = index + 1
    else {
      current = { start: index, end: index + 1 }
      runs.push(current)
    }
  }
  if (runs.length === 0) return [{ start: messages.length, end: messages.length, from: 0, to: messages.length }]
  return runs.map(({ start, end }, index) => ({
    start,
    end,
    from: index === 0 ? 0 : (runs[index - 1]?.end ?? 0),
    to: index === runs.length - 1 ? messages.length : end,
  }))
}

function writePart({ messages, tools, notes }: ChatRow, { start, end, from, to }: Part): JsonObject {
  const calls = (notes['calls'] as readonly JsonObject[]).filter(({ message }) => Number(message) >= from && Number(message) < to)
  // What follows the last completion: cut or doubtful answers, in no column that is trained on.
  const rest = to === messages.length && end < messages.length ? messages.slice(end) : []
  return {
    prompt: messages.slice(0, start),
    completion: messages.slice(start, end),
    tools: JSON.stringify(tools),
    turnpike: JSON.stringify({ ...notes, calls, rest }),
  }
}
