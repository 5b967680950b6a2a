// Anthropic Messages (POST /v1/messages), the protocol of Claude Code and of most other agents. This file is the adapter; how
// requests, answers, streams and usage are read stands in the files beside it that begin with _anthropic-.

import type { ProtocolAdapter } from './_adapter.ts'
import { readResponse, writeError, writeResponse } from './_anthropic-answer.ts'
import { history, readRequest, writeRequest } from './_anthropic-request.ts'
import { foldEvents, writeEvents } from './_anthropic-stream.ts'
import { readUsage } from './_anthropic-usage.ts'

export default {
  id: 'anthropic-messages',
  title: 'Anthropic Messages',
  // `/threads/<id>/messages` is another provider's.
  routes: [
    { method: 'POST', path: /^(?!.*\/threads\/[^/]+\/messages\/?$)(?:.*\/)?messages\/?$/, purpose: 'generate' },
    { method: 'POST', path: /(?:^|\/)messages\/count_tokens\/?$/, purpose: 'count-tokens' },
  ],
  framings: ['sse'],
  secretHeaders: ['x-api-key', 'authorization'],
  // Tokens of a subscription login are bearer tokens; the API refuses them as keys.
  writeKey: key => (key.startsWith('sk-ant-oat') ? [['authorization', `Bearer ${key}`]] : [['x-api-key', key]]),
  requestIdHeaders: ['request-id', 'x-request-id', 'x-amzn-requestid'],
  terminalMarks: [
    '\nevent: message_stop',
    '\nevent:message_stop',
    '\revent: message_stop',
    '\revent:message_stop',
    '"type":"message_stop"',
    '"type": "message_stop"',
  ],
  isTerminal: ({ event, data }) =>
    event === 'message_stop' || event === 'error' || /"type":\s?"(?:message_stop|error)"/.test(data.slice(0, 40)),
  readRequest,
  history,
  addressOf: () => ({ path: '/v1/messages', query: '' }),
  readResponse,
  foldEvents,
  readUsage,
  writeRequest,
  writeResponse,
  writeEvents,
  writeError,
  writeErrorEvent: (status, code, message) => ({ event: 'error', data: JSON.stringify(writeError(status, code, message)) }),
} satisfies ProtocolAdapter
