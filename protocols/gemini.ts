// Gemini's generateContent and streamGenerateContent, at the Gemini API, at Vertex AI and at the Code Assist endpoint: the protocol of
// Gemini CLI, and one of Qwen Code's and pi's. This file is the adapter; how requests, answers, streams and usage are read stands in the
// files beside it that begin with _gemini-.

import type { ProtocolAdapter } from './_adapter.ts'
import { addressOf, routes } from './_gemini-address.ts'
import { readResponse, writeError, writeResponse } from './_gemini-answer.ts'
import { history, readRequest, writeRequest } from './_gemini-request.ts'
import { foldEvents, writeEvents } from './_gemini-stream.ts'
import { readUsage } from './_gemini-usage.ts'

export default {
  id: 'gemini',
  title: 'Gemini generateContent',
  routes,
  framings: ['sse', 'json-array'],
  secretHeaders: ['x-goog-api-key', 'authorization', 'x-api-key'],
  // Logins and service accounts have short-lived bearer tokens; the API refuses them as keys.
  writeKey: key => (key.startsWith('ya29.') ? [['authorization', `Bearer ${key}`]] : [['x-goog-api-key', key]]),
  requestIdHeaders: ['x-request-id', 'x-goog-request-id'],
  // Only an argument or a schema that is called so could hold these too; the stream is then held back from there on, and nothing is lost.
  terminalMarks: ['"finishReason":"', '"finishReason": "', '"blockReason":"', '"blockReason": "'],
  isTerminal: ({ data }) => /"(?:finishReason|blockReason)":\s?"/.test(data) || /^\s*\{\s*"error"\s*:/.test(data),
  readRequest,
  history,
  addressOf,
  readResponse,
  foldEvents,
  readUsage,
  writeRequest,
  writeResponse,
  writeEvents,
  writeError,
  writeErrorEvent: (status, code, message) => ({ event: '', data: JSON.stringify(writeError(status, code, message)) }),
} satisfies ProtocolAdapter
