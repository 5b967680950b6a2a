// OpenAI as it is simulated, for Chat Completions. See dialect.ts for what each member means.

import { type Dialect, madeAt } from './dialect.ts'
import { estimateUnmarkedPrompt } from './usage.ts'

/** Status: [type, code]. */
const openaiErrors: Readonly<Record<number, readonly [string, string | null]>> = {
  401: ['invalid_request_error', 'invalid_api_key'],
  429: ['requests', 'rate_limit_exceeded'],
}

export const openaiDialect: Dialect = {
  protocol: 'openai-chat',
  answerIdPrefix: 'chatcmpl-simulated-',
  callIdPrefix: 'call_',
  requestIdHeader: 'x-request-id',
  stopWords: {
    end_turn: 'stop',
    tool_use: 'tool_calls',
    max_tokens: 'length',
    stop_sequence: 'stop',
    refusal: 'content_filter',
  },
  needsMaxTokens: false,
  signsThinking: false,
  reportsCacheWrites: false,
  estimatePrompt: estimateUnmarkedPrompt,
  ping: null,
  streamsUsage: body => {
    const options = body['stream_options']
    return typeof options === 'object' && options !== null && 'include_usage' in options && options['include_usage'] === true
  },
  writeError: ({ status, message, modelUnknown = false }) => {
    const [type, code] = openaiErrors[status] ?? [status < 500 ? 'invalid_request_error' : 'server_error', null]
    return { error: { message, type, param: null, code: modelUnknown ? 'model_not_found' : code } }
  },
  writeModel: id => ({ id, object: 'model', created: Date.parse(madeAt) / 1000, owned_by: 'turnpike-simulated' }),
  writeModels: ids => ({ object: 'list', data: ids.map(id => openaiDialect.writeModel(id)) }),
}
