// OpenAI Responses (POST /v1/responses, or messages on a WebSocket), the protocol of Codex, and of others where the model asks for it. This
// file is the adapter; how requests, answers, streams and usage are read stands in the files beside it that begin with _responses-.

import type { ProtocolAdapter, StreamEvent } from './_adapter.ts'
import { isObject, parseJson } from './_json.ts'
import { writeError } from './_openai-errors.ts'
import { readResponse, writeErrorData, writeResponse } from './_responses-answer.ts'
import { writeEvents } from './_responses-events.ts'
import { history, readRequest, writeRequest } from './_responses-request.ts'
import { foldEvents } from './_responses-stream.ts'
import { readUsage } from './_responses-usage.ts'

const terminalTypes = ['response.completed', 'response.incomplete', 'response.failed']
const mayBeTerminal = /"(?:response\.(?:completed|incomplete|failed)|error)"/

/** The name of an event may be missing (on a WebSocket), and `type` may stand anywhere in its data. */
function isTerminal({ event, data }: StreamEvent): boolean {
  if (terminalTypes.includes(event) || event === 'error') return true
  const start = /^\s*\{\s*"type"\s*:\s*"([^"\\]*)"/.exec(data)?.[1]
  if (start !== undefined) return terminalTypes.includes(start) || start === 'error'
  if (!mayBeTerminal.test(data)) return false
  const body = parseJson(data)
  const type = isObject(body) ? body['type'] : undefined
  return typeof type === 'string' && (terminalTypes.includes(type) || type === 'error')
}

export default {
  id: 'openai-responses',
  title: 'OpenAI Responses',
  routes: [
    // Compacting is a call of the model too: it answers items and counts tokens.
    { method: 'POST', path: /(?:^|\/)responses(?:\/compact)?\/?$/, purpose: 'generate' },
    { method: 'POST', path: /(?:^|\/)responses\/input_tokens\/?$/, purpose: 'count-tokens' },
  ],
  framings: ['sse', 'websocket'],
  secretHeaders: ['authorization', 'api-key', 'x-api-key'],
  writeKey: key => [['authorization', `Bearer ${key}`]],
  requestIdHeaders: ['x-request-id', 'request-id', 'apim-request-id', 'x-amzn-requestid'],
  terminalMarks: terminalTypes.flatMap(type => [
    `\nevent: ${type}`,
    `\nevent:${type}`,
    `\revent: ${type}`,
    `\revent:${type}`,
    `"type":"${type}"`,
    `"type": "${type}"`,
  ]),
  isTerminal,
  readRequest,
  history,
  addressOf: () => ({ path: '/v1/responses', query: '' }),
  readResponse,
  foldEvents,
  readUsage,
  writeRequest,
  writeResponse,
  writeEvents,
  writeError,
  writeErrorEvent: (status, code, message) => ({ event: 'error', data: JSON.stringify(writeErrorData(status, code, message)) }),
} satisfies ProtocolAdapter
