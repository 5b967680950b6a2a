// OpenAI Chat Completions (POST /v1/chat/completions) and the many servers that speak it with small differences: DeepSeek, Moonshot,
// OpenRouter, vLLM, xAI. This file is the adapter; how requests, answers, streams and usage are read stands in the files beside it
// that begin with _chat-.

import type { ProtocolAdapter } from './_adapter.ts'
import { readResponse, writeResponse } from './_chat-answer.ts'
import { history, readRequest, writeRequest } from './_chat-request.ts'
import { foldEvents, writeEvents } from './_chat-stream.ts'
import { readUsage } from './_chat-usage.ts'
import { writeError } from './_openai-errors.ts'

export default {
  id: 'openai-chat',
  title: 'OpenAI Chat Completions',
  routes: [{ method: 'POST', path: /(?:^|\/)chat\/completions\/?$/, purpose: 'generate' }],
  framings: ['sse'],
  secretHeaders: ['authorization', 'api-key', 'x-api-key'],
  writeKey: key => [['authorization', `Bearer ${key}`]],
  requestIdHeaders: ['x-request-id', 'request-id', 'apim-request-id', 'x-amzn-requestid'],
  terminalMarks: ['\ndata: [DONE]', '\ndata:[DONE]', '\rdata: [DONE]', '\rdata:[DONE]'],
  isTerminal: ({ data }) => data.trim() === '[DONE]',
  readRequest,
  history,
  addressOf: () => ({ path: '/v1/chat/completions', query: '' }),
  readResponse,
  foldEvents,
  readUsage,
  writeRequest,
  writeResponse,
  writeEvents,
  writeError,
  writeErrorEvent: (status, code, message) => ({ event: '', data: JSON.stringify(writeError(status, code, message)) }),
} satisfies ProtocolAdapter
