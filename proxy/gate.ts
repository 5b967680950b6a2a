// One exchange from request to record, in order: receive, attribute, route, commit the request, forward, relay, commit the answer.
// Nothing is forwarded before its request is committed; nothing is answered in full before its answer is.

import type http from 'node:http'
import { asTurnpikeError, isTurnpikeError, TurnpikeError } from '../core/errors.ts'
import type { EpochMs } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import { findProtocol } from '../protocols/_all.ts'
import { createUlid } from '../store/ulid.ts'
import { type AnswerRelay, createAnswer, type Ending } from './answer.ts'
import { type Arrived, type AskedModel, askedModel } from './arrived.ts'
import { attribute } from './attribute.ts'
import type { ForwardEvents, Forwarder, Forwarding } from './forward.ts'
import { describeUnreachable } from './forward-failure.ts'
import { addNote, answerOurselves, type ExchangeNote, noteOver, refuseUnrecorded } from './gate-answers.ts'
import { headerValue, pairHeaders } from './headers.ts'
import type { Intercepted } from './intercept/intercept.ts'
import { interceptRoute } from './intercept/route.ts'
import type { Receiver } from './receive.ts'
import { type Recording, type RecordOptions, startRecording } from './record.ts'
import type { Route, Routes } from './routes.ts'
import type { ResolvedScope, Scopes } from './scopes.ts'
import { upstreamRequest } from './upstream-request.ts'

export interface GateOptions extends RecordOptions {
  readonly scopes: Scopes
  readonly routes: Routes
  readonly receiver: Receiver
  readonly forwarder: Forwarder
  /** Says why a call may not be made (a spent budget); null lets it through. Asked once per exchange, before anything is forwarded. */
  readonly admit: (asked: AdmissionRequest) => Promise<TurnpikeError | null>
  /** Finds the host that an intercepted request was meant for. */
  readonly intercepted?: (request: http.IncomingMessage) => Intercepted | null
  readonly now: () => EpochMs
  readonly onOver: (note: ExchangeNote) => void
}

export interface AdmissionRequest {
  readonly resolved: ResolvedScope
  readonly protocol: ProtocolAdapter | null
  readonly method: string
  readonly path: string
}

/** Takes one request through the gate. Never throws; resolves when the exchange has been handed to the relay or refused. */
export async function passGate(gate: GateOptions, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const startedAt = gate.now()
  const headers = pairHeaders(request.rawHeaders)
  const intercepted = gate.intercepted?.(request) ?? null
  const addressed = intercepted?.addressed ?? attribute(request.url ?? '/', headers)
  const protocol = findProtocol(request.method ?? 'GET', addressed.path)
  let body: Uint8Array
  try {
    body = await gate.receiver.receive(request)
  } catch (error) {
    return refuseUnrecorded(gate, request, response, protocol, startedAt, asTurnpikeError(error))
  }
  const arrived: Arrived = {
    id: createUlid(),
    startedAt,
    request,
    response,
    headers,
    addressed,
    protocol,
    body,
    ...(intercepted === null ? {} : { origin: intercepted.origin }),
  }
  try {
    await recordAndForward(gate, arrived)
  } catch (error) {
    gate.receiver.release(body.length)
    refuseUnrecorded(gate, request, response, protocol, startedAt, asTurnpikeError(error))
  }
}

async function recordAndForward(gate: GateOptions, arrived: Arrived): Promise<void> {
  const resolved = await gate.scopes.resolve(arrived.addressed.attribution)
  const asked = gate.routes.needModel ? askedModel(arrived) : noModel
  const { protocol, addressed } = arrived
  const refusal = await gate.admit({ resolved, protocol, method: arrived.request.method ?? 'GET', path: addressed.path })
  const choice = refusal ?? chooseRoute(gate, arrived, resolved, asked)
  const route = choice instanceof TurnpikeError ? null : choice
  const trailers = pairHeaders(arrived.request.rawTrailers)
  const recorded = { ...arrived, method: arrived.request.method ?? 'GET', trailers }
  const recording = await startRecording(gate, recorded, resolved, route?.name ?? null)
  if (choice instanceof TurnpikeError) return answerOurselves(gate, arrived, recording, choice, 'refused')
  forwardExchange(gate, arrived, resolved, choice, asked, recording)
}

function chooseRoute(gate: GateOptions, arrived: Arrived, resolved: ResolvedScope, asked: AskedModel): Route | TurnpikeError {
  if (arrived.origin !== undefined) return interceptRoute(gate.routes, arrived.origin, arrived.protocol?.id ?? null)
  try {
    return gate.routes.choose({
      model: asked.model,
      protocol: arrived.protocol?.id ?? null,
      path: arrived.addressed.path,
      anthropicClient: headerValue(arrived.headers, 'anthropic-version') !== null,
      needKey: resolved.ownKey,
    })
  } catch (error) {
    return asTurnpikeError(error)
  }
}

function forwardExchange(
  gate: GateOptions,
  arrived: Arrived,
  resolved: ResolvedScope,
  route: Route,
  asked: AskedModel,
  recording: Recording,
): void {
  const { response } = arrived
  let responseBytes = 0
  let upstream: Forwarding | null = null
  const over = (ending: Ending): void => {
    gate.receiver.release(arrived.body.length)
    noteOver(gate, arrived, ending, responseBytes)
  }
  const relay: AnswerRelay = createAnswer({
    response,
    upstream: () => upstream ?? idle,
    terminalMarks: arrived.protocol?.terminalMarks ?? [],
    headOnly: arrived.request.method === 'HEAD',
    now: gate.now,
    extraHeaders: recording.unrecorded ? [['x-turnpike-unrecorded', 'true']] : [],
    recordHead: recording.head,
    pendingBytes: recording.pendingBytes,
    append: (bytes, at) => {
      responseBytes += bytes.length
      recording.append(bytes, at)
    },
    checkpoint: recording.checkpoint,
    commit: async ending => {
      try {
        await recording.end({ ...ending, failure: addNote(ending.failure, upstream?.note?.() ?? null) }, upstream?.retries() ?? 0)
      } finally {
        over(ending)
      }
    },
  })
  response.on('close', relay.onClientGone)
  if (response.destroyed || arrived.request.socket.destroyed) return relay.onClientGone()
  const answerInstead = (error: TurnpikeError, outcome: 'refused' | 'upstream-refused'): void => {
    response.off('close', relay.onClientGone)
    void answerOurselves(gate, arrived, recording, error, outcome)
  }
  const events: ForwardEvents = {
    onHead: relay.onHead,
    onData: relay.onData,
    onEnd: relay.onEnd,
    onFailure: ({ stage, error }) => {
      if (stage !== 'connect') return relay.onCut(error)
      // A layer that would not send it says itself why.
      if (isTurnpikeError(error)) return answerInstead(error, 'refused')
      answerInstead(describeUnreachable(route, error), 'upstream-refused')
    },
  }
  try {
    const outgoing = upstreamRequest(arrived, resolved, route, asked)
    const exchange = { ...outgoing.exchange, secrets: recording.secrets }
    upstream = gate.forwarder.forward({ ...outgoing, exchange }, events)
  } catch (error) {
    if (isTurnpikeError(error)) return answerInstead(error, 'refused')
    // Node refuses to send some paths and header values that its own server lets in.
    const what = `the request cannot be forwarded: ${error instanceof Error ? error.message : String(error)}`
    answerInstead(new TurnpikeError('E_BAD_REQUEST', what, { cause: error }), 'refused')
  }
}

const noModel: AskedModel = { model: null, place: null }
const idle: Forwarding = { pause: () => undefined, resume: () => undefined, abort: () => undefined, retries: () => 0 }
