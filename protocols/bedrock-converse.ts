// Amazon Bedrock's Converse and ConverseStream (POST /model/<id>/converse, /converse-stream): one shape for every maker's models. This file
// is the adapter; how requests, answers, streams and usage are read stands in the files beside it that begin with _bedrock-.

import type { ProtocolAdapter } from './_adapter.ts'
import { readResponse, writeResponse } from './_bedrock-answer.ts'
import { isException, writeError, writeErrorEvent } from './_bedrock-errors.ts'
import { addressOf, history, readRequest, writeRequest } from './_bedrock-request.ts'
import { foldEvents, writeEvents } from './_bedrock-stream.ts'
import { readUsage } from './_bedrock-usage.ts'

export default {
  id: 'bedrock-converse',
  title: 'Amazon Bedrock Converse',
  routes: [
    { method: 'POST', path: /(?:^|\/)model\/.+\/converse(?:-stream)?\/?$/, purpose: 'generate' },
    { method: 'POST', path: /(?:^|\/)model\/.+\/count-tokens\/?$/, purpose: 'count-tokens' },
  ],
  framings: ['aws-event-stream'],
  secretHeaders: ['authorization', 'x-amz-security-token', 'x-api-key'],
  writeKey: key => [['authorization', `Bearer ${key}`]],
  requestIdHeaders: ['x-amzn-requestid', 'x-amzn-request-id'],
  // The frame's header: type 7 (text), two bytes of length, the event's name. JSON text holds no raw zero byte.
  terminalMarks: [':event-type\u0007\u0000\u0008metadata'],
  isTerminal: event => event.event === 'metadata' || isException(event),
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
  writeErrorEvent,
} satisfies ProtocolAdapter
