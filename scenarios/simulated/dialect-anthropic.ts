// Anthropic as it is simulated. See dialect.ts for what each member means.

import { errorTypeOf } from '../../protocols/_anthropic-answer.ts'
import { type Dialect, madeAt } from './dialect.ts'
import { estimateMarkedPrompt } from './usage.ts'

export const anthropicDialect: Dialect = {
  protocol: 'anthropic-messages',
  answerIdPrefix: 'msg_simulated_',
  callIdPrefix: 'toolu_',
  requestIdHeader: 'request-id',
  stopWords: {
    end_turn: 'end_turn',
    tool_use: 'tool_use',
    max_tokens: 'max_tokens',
    stop_sequence: 'stop_sequence',
    refusal: 'refusal',
  },
  needsMaxTokens: true,
  signsThinking: true,
  reportsCacheWrites: true,
  estimatePrompt: estimateMarkedPrompt,
  ping: { event: 'ping', data: '{"type":"ping"}' },
  streamsUsage: () => true,
  writeError: ({ status, message, requestId }) => ({
    type: 'error',
    error: { type: errorTypeOf(status), message },
    request_id: requestId,
  }),
  writeModel: id => ({ type: 'model', id, display_name: `${id} (simulated)`, created_at: madeAt }),
  writeModels: ids => ({
    data: ids.map(id => anthropicDialect.writeModel(id)),
    has_more: false,
    first_id: ids[0] ?? null,
    last_id: ids.at(-1) ?? null,
  }),
}
