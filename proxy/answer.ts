// One answer on its way from upstream to agent: relays chunks with back-pressure, records each, and releases the last byte (and a
// stream's terminal event) only after the exchange is committed. A broken upstream stays a broken stream for the agent.
// Never alters a byte; never ends cleanly what did not end cleanly.

import type http from 'node:http'
import { readEncoding } from '../core/encodings.ts'
import { isTurnpikeError } from '../core/errors.ts'
import { terminalHoldMs } from '../core/limits.ts'
import type { EpochMs, HeaderList } from '../core/types.ts'
import type { ExchangeEnd } from '../store/_adapter.ts'
import type { Forwarding, UpstreamHead } from './forward.ts'
import { downstreamHeaders, flattenHeaders, headerValue, recordedTrailers } from './headers.ts'
import { createHold, type Hold } from './hold.ts'
import { createEncodedHold, type EncodedHold } from './hold-encoded.ts'
import { createPace, type Pace } from './pace.ts'

/** What happened to the exchange, known so far. */
export type Ending = Pick<ExchangeEnd, 'status' | 'responseHeaders' | 'outcome' | 'failure' | 'firstByteAt' | 'endedAt'>

export interface AnswerOptions {
  readonly response: http.ServerResponse
  readonly upstream: () => Forwarding
  readonly terminalMarks: readonly string[]
  /** The request was a HEAD: no body follows whatever the headers say. */
  readonly headOnly: boolean
  readonly now: () => EpochMs
  /** Extra header pairs for the agent. */
  readonly extraHeaders: HeaderList
  /** Tells the record what is known of the answer before its bytes. */
  readonly recordHead: (soFar: Pick<Ending, 'status' | 'responseHeaders' | 'firstByteAt'>) => void
  /** Hands bytes to the record. */
  readonly append: (bytes: Buffer, at: EpochMs) => void
  /** Bytes the store has yet to work off. */
  readonly pendingBytes: () => number
  /** Commits what is there with the exchange still open. */
  readonly checkpoint: (soFar: Ending) => Promise<void>
  /** Commits the whole; called exactly once. */
  readonly commit: (ending: Ending) => Promise<void>
}

export interface AnswerRelay {
  readonly onHead: (head: UpstreamHead) => void
  readonly onData: (bytes: Buffer) => void
  readonly onEnd: (trailers: HeaderList) => void
  /** Upstream broke in the middle. */
  readonly onCut: (error: Error) => void
  /** The agent hung up. */
  readonly onClientGone: () => void
  readonly started: () => boolean
}

interface Relay {
  readonly options: AnswerOptions
  hold: Hold
  /** Set for compressed streams; chunks wait in `unjudged` until it has read them. */
  encodedHold: EncodedHold | null
  readonly unjudged: Buffer[]
  head: UpstreamHead | null
  /** Body bytes the upstream announced and that have not come yet; null when it announced none. */
  remaining: number | null
  held: Buffer[]
  released: boolean
  holdTimer: NodeJS.Timeout | null
  firstByteAt: EpochMs | null
  readonly pace: Pace
  over: boolean
}

export function createAnswer(options: AnswerOptions): AnswerRelay {
  const relay: Relay = {
    options,
    hold: createHold([]),
    encodedHold: null,
    unjudged: [],
    head: null,
    remaining: null,
    held: [],
    released: false,
    holdTimer: null,
    firstByteAt: null,
    pace: createPace(options.upstream, options.pendingBytes),
    over: false,
  }
  options.response.on('drain', relay.pace.agentHasRead)
  return {
    onHead: head => startAnswer(relay, head),
    onData: bytes => passData(relay, bytes),
    onEnd: trailers => void finish(relay, trailers),
    onCut: error => void breakOff(relay, error),
    onClientGone: () => void abandon(relay),
    started: () => relay.head !== null,
  }
}

function startAnswer(relay: Relay, head: UpstreamHead): void {
  const { response } = relay.options
  relay.head = head
  const type = headerValue(head.headers, 'content-type') ?? ''
  const length = headerValue(head.headers, 'content-length')
  relay.remaining = length === null ? null : Number(length)
  relay.options.recordHead({ status: head.status, responseHeaders: head.headers, firstByteAt: null })
  if (type.includes('event-stream') || type.includes('eventstream')) chooseHold(relay, readEncoding(head.headers))
  response.sendDate = false
  response.writeHead(
    head.status,
    head.statusText,
    flattenHeaders([...downstreamHeaders(head.headers), ...relay.options.extraHeaders]),
  )
  // A stream's head must not wait for its first event; a counted body comes with its head, and a head without a body is the whole answer.
  if (relay.remaining === null && !relay.options.headOnly && head.status !== 204 && head.status !== 304)
    setImmediate(() => response.destroyed || response.writableEnded || response.flushHeaders())
}

function chooseHold(relay: Relay, encoding: string | null): void {
  const { terminalMarks } = relay.options
  if (encoding === null) relay.hold = createHold(terminalMarks)
  else relay.encodedHold = createEncodedHold(terminalMarks, encoding)
}

function passData(relay: Relay, bytes: Buffer): void {
  if (relay.over) return
  const at = relay.options.now()
  relay.firstByteAt ??= at
  relay.options.append(bytes, at)
  relay.pace.checkStore()
  if (relay.remaining !== null) {
    relay.remaining -= bytes.length
    // The last byte of a counted body ends the answer for the agent: it waits for the commit.
    if (relay.remaining <= 0) return void relay.held.push(bytes)
  }
  if (relay.encodedHold !== null && !relay.released) return judgeEncoded(relay, relay.encodedHold, bytes)
  const { pass, held } = relay.released ? { pass: bytes, held: null } : relay.hold.push(bytes)
  if (pass !== null) write(relay, pass)
  if (held !== null) hold(relay, held)
}

function judgeEncoded(relay: Relay, encodedHold: EncodedHold, bytes: Buffer): void {
  relay.unjudged.push(bytes)
  encodedHold.push(bytes, terminal => {
    if (relay.over) return
    const chunk = relay.unjudged.shift()
    if (chunk === undefined) return
    if (terminal && !relay.released) hold(relay, chunk)
    else write(relay, chunk)
  })
}

function write(relay: Relay, bytes: Buffer): void {
  if (!relay.options.response.write(bytes)) relay.pace.agentIsFull()
}

function hold(relay: Relay, bytes: Buffer): void {
  relay.held.push(bytes)
  // Most upstreams end right after their terminal event. One that lingers must not keep the agent waiting.
  relay.holdTimer ??= setTimeout(() => void releaseTerminal(relay), terminalHoldMs)
}

async function releaseTerminal(relay: Relay): Promise<void> {
  if (relay.over) return
  const count = relay.held.length
  try {
    await relay.options.checkpoint(ending(relay, 'complete', null))
  } catch {
    return void relay.options.response.destroy() // not recorded: the agent must not take it for answered
  }
  if (relay.over) return
  relay.released = true
  // Bytes that came while the commit ran are not in it; they follow the terminal event and decide nothing.
  for (const bytes of relay.held.splice(0, Math.max(count, relay.held.length))) write(relay, bytes)
}

async function finish(relay: Relay, trailers: HeaderList): Promise<void> {
  if (!close(relay)) return
  const { response } = relay.options
  try {
    await relay.options.commit(withTrailers(ending(relay, 'complete', null), trailers))
  } catch {
    return void response.destroy() // the store refused: an answer that is not recorded is not given
  }
  for (const bytes of [...relay.held, ...relay.unjudged]) response.write(bytes)
  if (trailers.length > 0) response.addTrailers(trailers as Array<[string, string]>)
  response.end()
}

async function breakOff(relay: Relay, error: Error): Promise<void> {
  if (!close(relay)) return
  // A layer that broke it off on purpose says so with a code of its own.
  const failure = { code: isTurnpikeError(error) ? error.code : 'E_UPSTREAM_CUT', message: error.message }
  const outcome = relay.released ? 'complete' : 'upstream-cut'
  const { response } = relay.options
  try {
    await relay.options.commit(ending(relay, outcome, failure))
  } catch {
    return void response.destroy() // broken off either way; what was held back stays back
  }
  for (const bytes of [...relay.held, ...relay.unjudged]) response.write(bytes)
  destroyAfterFlush(response)
}

/** Lets bytes already written reach the agent, then breaks the connection instead of ending it. */
function destroyAfterFlush(response: http.ServerResponse): void {
  const { socket } = response
  if (socket === null || response.writableLength === 0) return void response.destroy()
  const timer = setTimeout(() => response.destroy(), 1000)
  socket.write('', () => {
    clearTimeout(timer)
    response.destroy()
  })
}

async function abandon(relay: Relay): Promise<void> {
  if (!close(relay)) return
  relay.options.upstream().abort()
  const outcome = relay.released ? 'complete' : 'client-aborted'
  const failure = relay.released
    ? null
    : { code: 'E_CLIENT_ABORTED', message: 'the agent closed the connection before the answer ended' }
  await relay.options.commit(ending(relay, outcome, failure)).catch(() => undefined) // the agent is gone; the store's failure shows at the next call
}

function close(relay: Relay): boolean {
  if (relay.over) return false
  relay.over = true
  if (relay.holdTimer !== null) clearTimeout(relay.holdTimer)
  relay.encodedHold?.close()
  relay.pace.close()
  return true
}

function ending(relay: Relay, outcome: Ending['outcome'], failure: Ending['failure']): Ending {
  return {
    status: relay.head?.status ?? null,
    responseHeaders: relay.head?.headers ?? null,
    outcome,
    failure,
    firstByteAt: relay.firstByteAt,
    endedAt: relay.options.now(),
  }
}

function withTrailers(ending: Ending, trailers: HeaderList): Ending {
  if (trailers.length === 0) return ending
  return { ...ending, responseHeaders: [...(ending.responseHeaders ?? []), ...recordedTrailers(trailers)] }
}
