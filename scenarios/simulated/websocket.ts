// The simulated provider on a WebSocket: Responses, one message a request, answered one after the other. Owns what a socket adds to HTTP:
// going on from an earlier response, warming up without an answer, errors as events. What is answered is decided where HTTP decides it.

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { asTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import { requestBodyBytesMax } from '../../core/limits.ts'
import type { Answer, Json, JsonObject, Usage } from '../../core/types.ts'
import type { ProtocolAdapter, StreamEvent } from '../../protocols/_adapter.ts'
import { findRoute } from '../../protocols/_all.ts'
import { answerCall, type Caller, type ProviderState } from './call.ts'
import { chooseDialect } from './dialects.ts'
import { greet, refuse } from './exchange.ts'
import { jsonTransmission, type Transmission } from './transmission.ts'
import { playOnSocket } from './websocket-play.ts'
import { openResponses, type ResponseMemory } from './websocket-responses.ts'

/** For the `upgrade` event of the provider's HTTP server. */
export function answerUpgrades(state: ProviderState): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const kept = openResponses(null)
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: requestBodyBytesMax })
  server.on('headers', lines => lines.push('x-turnpike-simulated: true'))
  return (request, raw, head) => {
    raw.on('error', () => undefined) // its close is what counts
    const path = (request.url ?? '/').replace(/\?.*$/s, '')
    const route = findRoute('WS', path)
    if (route === null || route.purpose !== 'generate' || !route.protocol.framings.includes('websocket'))
      return void raw.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    server.handleUpgrade(request, raw, head, socket =>
      serve(socket, raw as Socket, route.protocol, path, state, openResponses(kept)),
    )
  }
}

function serve(
  socket: WebSocket,
  raw: Socket,
  adapter: ProtocolAdapter,
  path: string,
  state: ProviderState,
  memory: ResponseMemory,
): void {
  let last = Promise.resolve()
  const dialect = chooseDialect(adapter.id, {}, path)
  const asked = { method: 'WS', path, query: '' }
  socket.on('error', () => undefined) // a frame that is none: the socket closes by itself
  socket.on('message', (data: Buffer) => {
    last = last.then(async () => {
      if (socket.readyState !== WebSocket.OPEN) return
      let caller = greet(dialect, state, asked, null)
      let streamId: string | null = null
      let transmission: Transmission | null
      try {
        const message = readMessage(data)
        caller = greet(dialect, state, asked, message)
        streamId = typeof message['stream_id'] === 'string' ? message['stream_id'] : null
        transmission = answerMessage(message, streamId, adapter, caller, state, memory)
      } catch (thrown) {
        transmission = refuse(asTurnpikeError(thrown), caller)
      }
      if (transmission !== null) await playOnSocket(transmission, streamId, socket, raw)
    })
  })
}

function readMessage(data: Buffer): JsonObject {
  let value: Json = null
  try {
    value = JSON.parse(data.toString('utf8')) as Json
  } catch (cause) {
    throw new TurnpikeError('E_BAD_REQUEST', 'the message is not valid JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TurnpikeError('E_BAD_REQUEST', 'the message is not a JSON object')
  return value as JsonObject
}

/** What a client says without waiting for an answer. */
const silent = ['response.cancel', 'response.processed']

/** null = nothing is said to that. */
function answerMessage(
  message: JsonObject,
  streamId: string | null,
  adapter: ProtocolAdapter,
  caller: Caller,
  state: ProviderState,
  memory: ResponseMemory,
): Transmission | null {
  const { type, generate, previous_response_id: previousId = null, stream_id: _, ...rest } = message
  if (typeof type === 'string' && silent.includes(type)) return null
  if (type !== 'response.create')
    throw new TurnpikeError('E_BAD_REQUEST', `type: "response.create" is answered here, got ${JSON.stringify(type ?? null)}`)
  const before = previousId === null ? [] : memory.find(String(previousId))
  if (before === null) return unknownResponse(String(previousId), caller)
  const input = [...before, ...listInput(rest['input'])]
  const body: JsonObject = { ...rest, input, stream: true }
  const frame = (events: Iterable<StreamEvent>): Buffer[] => {
    const frames = [...events].map(({ data }) => Buffer.from(streamId === null ? data : addStream(data, streamId)))
    memory.keep(frames.at(-1), input, rest['store'] !== false)
    return frames
  }
  const address = { path: '/v1/responses', query: '' }
  if (generate === false) return warmUp(body, adapter, caller, state, frame)
  return answerCall({ adapter, address, body, frame }, caller, state)
}

function addStream(data: string, streamId: string): string {
  return JSON.stringify({ ...(JSON.parse(data) as JsonObject), stream_id: streamId })
}

function listInput(input: Json | undefined): readonly Json[] {
  if (Array.isArray(input)) return input as readonly Json[]
  return input === undefined || input === null ? [] : [{ type: 'message', role: 'user', content: input }]
}

/** Everything is read and kept, nothing is generated: the next message goes on from it. */
function warmUp(
  body: JsonObject,
  adapter: ProtocolAdapter,
  { dialect, requestId, headers }: Caller,
  { memory }: ProviderState,
  frame: (events: Iterable<StreamEvent>) => Buffer[],
): Transmission {
  const { model } = adapter.readRequest(body)
  if (model === null) throw new TurnpikeError('E_BAD_REQUEST', 'model: Field required')
  const prompt = dialect.estimatePrompt(body, memory, model)
  const usage: Usage = {
    ...{ input: prompt.input, cachedRead: prompt.cachedRead, output: 0, reasoning: 0 },
    ...{ cachedWrite5m: null, cachedWrite1h: null, cachedWriteOther: null, serverTools: {}, serviceTier: null },
    ...{ source: 'wire', inconsistent: false, raw: null, mapping: 'simulated/1' },
  }
  const answer: Answer = {
    id: dialect.answerIdPrefix + requestId.slice(-24),
    model,
    message: { role: 'assistant', blocks: [] },
    stopReason: dialect.stopWords.end_turn,
    usage,
    complete: true,
    error: null,
  }
  const frames = frame(adapter.writeEvents(answer)).map(bytes => ({ bytes, waitMs: 0 }))
  return { head: { status: 200, headers }, frames, dripMs: null, ending: 'end' }
}

function unknownResponse(id: string, { dialect, requestId, headers }: Caller): Transmission {
  const message = `Previous response with id '${id}' not found.`
  const { error } = dialect.writeError({ status: 400, message, requestId })
  const fields = { ...(error as JsonObject), code: 'previous_response_not_found', param: 'previous_response_id' }
  return jsonTransmission(400, { error: fields }, headers)
}
