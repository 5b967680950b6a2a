// Conversational rows for Hugging Face datasets and TRL: {messages, tools, turnpike}. `train` on a message says whether it was generated
// here; trainers that know no such mark ignore it and train on every answer, context included: trl-prompt has rows for those.

import { objectOf, parseJson, textOf } from '../../protocols/_json.ts'
import type { OutputFormat } from './_adapter.ts'
import { writeChatRow } from './_chat-rows.ts'
import { listCalls } from './_row-schema.ts'
import { trlLoses, trlSpelling } from './_trl-messages.ts'

export default {
  id: 'trl',
  title: 'TRL and Hugging Face conversations (messages, tools)',
  extension: 'jsonl',
  loses: trlLoses,
  policies: ['readable', 'exact', 'tolerant', 'calls'],
  *write({ scope, trajectories }) {
    for (const trajectory of trajectories) {
      const { messages, tools, notes } = writeChatRow(trajectory, scope, trlSpelling)
      yield { messages, tools: JSON.stringify(tools), turnpike: JSON.stringify(notes) }
    }
  },
  listGenerations: row => listCalls(objectOf(parseJson(textOf(row['turnpike']) ?? ''))),
} satisfies OutputFormat
