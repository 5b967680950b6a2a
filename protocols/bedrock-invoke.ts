// Amazon Bedrock's InvokeModel (POST /model/<id>/invoke, /invoke-with-response-stream): the body is the model maker's own. Anthropic's, which
// Claude Code sends, are read as Anthropic Messages with the model in the address; bodies of other makers are kept whole, undecoded.

import { TurnpikeError } from '../core/errors.ts'
import type { Answer, Conversation, Json, JsonObject } from '../core/types.ts'
import type { ProtocolAdapter, RequestAddress } from './_adapter.ts'
import * as anthropicAnswer from './_anthropic-answer.ts'
import * as anthropicRequest from './_anthropic-request.ts'
import { readUsage } from './_anthropic-usage.ts'
import { isException, readBedrockError, typeOfStatus, writeError, writeErrorEvent } from './_bedrock-errors.ts'
import { foldEvents, openChunk, writeEvents } from './_bedrock-invoke-stream.ts'
import { readOther } from './_errors.ts'
import { isList, isObject, objectOf, without } from './_json.ts'
import { readModelPath } from './_model-path.ts'
import { isOwn } from './_settings.ts'

const versionDefault = 'bedrock-2023-05-31'

function readRequest(body: Json, address?: RequestAddress): Conversation {
  const place = address === undefined ? null : readModelPath(address.path)
  const streams = place?.verb === 'invoke-with-response-stream'
  if (!isObject(body)) throw new TurnpikeError('E_BAD_REQUEST', 'a Bedrock InvokeModel request must be a JSON object')
  const { messages } = body
  if ((messages !== undefined && !isList(messages)) || Object.keys(body).length === 0)
    throw new TurnpikeError('E_BAD_REQUEST', 'key messages of a Bedrock InvokeModel request must be a list')
  if (messages === undefined) return keepBody(body, place?.model ?? null, streams)
  const read = anthropicRequest.readRequest(body)
  // `invoke` notes that the model and the wish to stream stand in the address, unless the body had them too.
  const invoke = ['model', 'stream'].filter(key => !(key in body))
  return { ...read, model: read.model ?? place?.model ?? null, stream: read.stream || streams, wire: { ...read.wire, invoke } }
}

function keepBody(body: JsonObject, model: string | null, stream: boolean): Conversation {
  return {
    model,
    stream,
    system: [],
    messages: [{ role: 'user', blocks: [{ kind: 'opaque', type: 'body', raw: body }] }],
    tools: [],
    maxTokens: null,
    temperature: null,
    extra: {},
    wire: { protocol: 'bedrock-invoke' },
  }
}

function writeRequest(conversation: Conversation): JsonObject {
  const [only] = conversation.messages[0]?.blocks ?? []
  if (conversation.wire?.['protocol'] === 'bedrock-invoke' && only?.kind === 'opaque') return objectOf(only.raw)
  const body = anthropicRequest.writeRequest(conversation)
  const { invoke } = conversation.wire ?? {}
  if (isList(invoke))
    return without(
      body,
      invoke.filter(key => typeof key === 'string'),
    )
  return { anthropic_version: versionDefault, ...without(body, ['model', 'stream']) }
}

function readResponse(body: Json): Answer {
  if (isObject(body) && isList(body['content'])) return anthropicAnswer.readResponse(body)
  const error = isObject(body) ? readBedrockError(body) : null
  return readOther(body, { protocol: 'anthropic-messages', usage: readUsage(body), error })
}

function writeResponse(answer: Answer): JsonObject {
  const [only] = answer.message.blocks
  if (only?.kind === 'opaque' && only.type === 'chunks') return { chunks: only.raw }
  if (answer.error !== null && answer.message.blocks.length === 0 && !isOwn(answer.wire, 'anthropic-messages'))
    return { __type: typeOfStatus(500), message: answer.error.message }
  return anthropicAnswer.writeResponse(answer)
}

export default {
  id: 'bedrock-invoke',
  title: 'Amazon Bedrock InvokeModel',
  routes: [{ method: 'POST', path: /(?:^|\/)model\/.+\/invoke(?:-with-response-stream)?\/?$/, purpose: 'generate' }],
  framings: ['aws-event-stream'],
  secretHeaders: ['authorization', 'x-amz-security-token', 'x-api-key'],
  writeKey: key => [['authorization', `Bearer ${key}`]],
  requestIdHeaders: ['x-amzn-requestid', 'x-amzn-request-id'],
  // Twenty-one bytes are twenty-eight characters of base64, whatever follows them.
  terminalMarks: [`"bytes":"${Buffer.from('{"type":"message_stop').toString('base64')}`],
  isTerminal: event =>
    isException(event) || /^\{"type":\s?"message_stop"|"amazon-bedrock-invocationMetrics"/.test(openChunk(event) ?? ''),
  readRequest,
  // Bodies of other makers have no such field.
  history: anthropicRequest.history,
  addressOf: ({ model, stream }) => ({
    path: `/model/${encodeURIComponent(model ?? 'unknown')}/${stream ? 'invoke-with-response-stream' : 'invoke'}`,
    query: '',
  }),
  readResponse,
  foldEvents,
  readUsage,
  writeRequest,
  writeResponse,
  writeEvents,
  writeError,
  writeErrorEvent,
} satisfies ProtocolAdapter
