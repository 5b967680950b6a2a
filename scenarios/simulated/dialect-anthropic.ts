// Anthropic as it is simulated. See dialect.ts for what each member means.

import { type Dialect, madeAt } from './dialect.ts'
import { estimateMarkedPrompt } from './usage.ts'

const anthropicErrors: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

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
    error: { type: anthropicErrors[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error'), message },
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
