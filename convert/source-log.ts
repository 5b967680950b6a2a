// Calls of one session of a mini-vela log, straight from its lines. A history that was sent before is recognised, not read: hundreds of
// megabytes of log hold a few of new text. Means what the importer means by the same lines; a call logged twice is given twice.

import { isTurnpikeError } from '../core/errors.ts'
import type { Conversation, Exchange, JsonObject } from '../core/types.ts'
import { protocolById } from '../protocols/_all.ts'
import { isObject } from '../protocols/_json.ts'
import anthropicMessages from '../protocols/anthropic-messages.ts'
import openaiChat from '../protocols/openai-chat.ts'
import { skipBlank } from '../store/json-bytes.ts'
import { deriveUlid } from '../store/ulid.ts'
import { readAnswer } from './decode.ts'
import { messagesAt } from './history-track.ts'
import { invalidRecord, type Place, readNumber, readObject, readText, readTime } from './imports/_fields.ts'
import type { Source } from './imports/_source.ts'
import {
  chatPath,
  isChatMessage,
  isChatRequest,
  isSystemMessage,
  jsonHeaders,
  messagesPath,
  writeAnswer,
} from './imports/mini-vela.ts'
import { scanMembers, startOfText } from './line-scan.ts'
import { createLineBuffers, type LogLine, readLogLines } from './log-lines.ts'
import {
  countEqual,
  createKnownLines,
  createLogSkeletons,
  type FreshRequest,
  findBase,
  type KnownLine,
  parseLine,
  type RequestRules,
  readLogRequest,
} from './log-requests.ts'
import { createSkeletons } from './skeletons.ts'
import type { SourceCall, Undecodable } from './source.ts'

/** Of the end of the history: goes into the call's id. */
const tailBytes = 4096

export async function* readLogCalls(source: Source, lines: readonly LogLine[]): AsyncIterable<SourceCall | Undecodable> {
  const buffers = createLineBuffers()
  const reader = createLineReader(buffers.giveBack)
  for await (const { at, bytes, buffer } of readLogLines(source, lines, buffers)) {
    const place: Place = { file: source.file, line: at.line, unit: 'line' }
    const read = reader.read(bytes, buffer, place, at.isLast)
    if (read === null) continue
    yield read
  }
}

/** A line as it stands around its request. */
interface Frame {
  readonly session: string
  readonly loggedAt: number
  readonly response: JsonObject
  /** Where the request begins and ends in the line. */
  readonly from: number
  readonly end: number
}

function createLineReader(giveBack: (buffer: Buffer) => void) {
  const known = createKnownLines(giveBack)
  const skeletons = createSkeletons()
  const readSkeleton = createLogSkeletons()
  const ids = createIds()

  const readInParts = (bytes: Buffer, buffer: Buffer, place: Place): SourceCall | null => {
    const from = findRequest(bytes)
    if (from === null) return null
    const read = readFresh(bytes, from, known.list(), readSkeleton)
    if (read === null) return null
    const { fresh, protocol } = read
    const frame = readFrame(bytes, fresh, place)
    if (frame === null) return null
    const { request, base, boundary } = fresh
    const address = { path: protocol === openaiChat ? chatPath : messagesPath, query: '' }
    const { key, body } = request.skeleton
    const conversation = skeletons.read({ protocol, address, key, readBody: () => body, track: request.track })
    if (conversation === null) return null
    const messages = protocol.history.readMessages(fresh.elements.slice(fresh.leading))
    const before = messagesAt(request.track, boundary)
    const call = describeCall(frame, { ...conversation, messages }, protocol.id, ids.next(bytes, frame, request))
    const line: KnownLine = { id: call.exchange.id, bytes, buffer, request, protocol: protocol.id }
    known.add(line, fresh)
    return { ...call, continues: base === null || before === 0 ? null : { callId: base.id, messages: before } }
  }
  const readWhole = (bytes: Buffer, place: Place): SourceCall => {
    const record = parseLine(bytes)
    if (record === undefined) throw invalidRecord(place, 'is not JSON')
    if (!isObject(record)) throw invalidRecord(place, 'is not a JSON object')
    const request = readObject(record, 'request_body', place)
    const messages = request['messages']
    const list = Array.isArray(messages) ? messages : []
    const isChat = isChatRequest(request, { chat: list.some(isChatMessage), system: list.some(isSystemMessage) })
    const protocol = isChat ? openaiChat : anthropicMessages
    const frame = { ...readRecord(record, place), from: 0, end: 0 }
    const conversation = protocol.readRequest(request)
    const id = ids.next(bytes, { ...frame, end: bytes.length }, null)
    return describeCall(frame, conversation, protocol.id, id)
  }
  return {
    /** Null for a blank line. The buffer is kept, or given back. */
    read: (bytes: Buffer, buffer: Buffer, place: Place, isLast: boolean): SourceCall | Undecodable | null => {
      try {
        const inParts = readInParts(bytes, buffer, place)
        if (inParts !== null) return inParts
        const isEmpty = bytes.every(byte => byte === 0x20 || byte === 0x09 || byte === 0x0d)
        const whole = isEmpty ? null : readWhole(bytes, place)
        giveBack(buffer)
        return whole
      } catch (error) {
        giveBack(buffer)
        if (!isTurnpikeError(error)) throw error
        const isCut = isLast && parseLine(bytes) === undefined
        const reason = isCut ? `${place.file}, line ${place.line}: the file ends in the middle of this line` : error.message
        return { exchangeId: `${place.file}:${place.line}`, reason }
      }
    },
  }
}

function findRequest(bytes: Buffer): number | null {
  const start = skipBlank(bytes, startOfText(bytes), bytes.length)
  if (bytes[start] !== 0x7b) return null
  const { at, isStopped } = scanMembers(bytes, start + 1, 'request_body')
  return isStopped && bytes[at] === 0x7b ? at : null
}

/** In which dialect a request is, only its end may tell: then it is read again, and on from a line of that dialect. */
function readFresh(bytes: Buffer, from: number, recent: readonly KnownLine[], readSkeleton: RequestRules['readSkeleton']) {
  const readAs = (protocol: LogProtocol, found: ReturnType<typeof findBase>): FreshRequest | null => {
    const at = found === null ? null : { base: found.base, boundary: countEqual(found.base, found.equal) }
    return readLogRequest(bytes, from, at, { history: protocol.history, traits: dialectTraits, readSkeleton })
  }
  const found = findBase(bytes, from, recent)
  const guess = found?.base.protocol === openaiChat.id ? openaiChat : anthropicMessages
  const first = readAs(guess, found)
  if (first === null || protocolOf(first) === guess) return first === null ? null : { fresh: first, protocol: guess }
  const protocol = protocolOf(first)
  const others = recent.filter(line => line.protocol === protocol.id)
  const fresh = readAs(protocol, findBase(bytes, from, others))
  return fresh === null ? null : { fresh, protocol }
}

const dialectTraits = [isChatMessage, isSystemMessage]

type LogProtocol = typeof openaiChat | typeof anthropicMessages

function protocolOf({ request }: FreshRequest): LogProtocol {
  const [chat, system] = request.traitsFrom.map(Number.isFinite)
  return isChatRequest(request.skeleton.body, { chat: chat === true, system: system === true }) ? openaiChat : anthropicMessages
}

/** The line without its request: what is left is small, and parsed. */
function readFrame(bytes: Buffer, { request: { from, end } }: FreshRequest, place: Place): Frame | null {
  const { members, at } = scanMembers(bytes, from + end, null)
  if (at < 0 || members.some(({ name }) => name === 'request_body')) return null
  const text = `${bytes.toString('utf8', startOfText(bytes), from)}0${bytes.toString('utf8', from + end)}`
  const record = parseLine(Buffer.from(text))
  // Unless it is spelled in another way a second time.
  if (!isObject(record) || record['request_body'] !== 0) return null
  return { ...readRecord(record, place), from, end: from + end }
}

function readRecord(record: JsonObject, place: Place): Pick<Frame, 'session' | 'loggedAt' | 'response'> {
  return {
    response: readObject(record, 'response_body', place),
    loggedAt: readTime(readNumber(record, 'request_time', place), 'request_time', place),
    session: readText(record, 'session_id', place),
  }
}

/**
 * Ids that are the same whenever and in whatever order a log is read: made of all that stands around the request (session, time, answer),
 * its length and the end of its history. Lines that agree in all of this are told apart by their number.
 */
function createIds() {
  const seen = new Map<string, number>()
  return {
    next: (bytes: Buffer, { from, end, loggedAt }: Frame, request: FreshRequest['request'] | null): string => {
      const historyEnd = request === null ? end : from + request.historyEnd
      const identity = Buffer.concat([
        bytes.subarray(0, from),
        Buffer.from(`\0${end - from}\0${request?.ends.length ?? 0}\0`),
        bytes.subarray(Math.max(from, historyEnd - tailBytes), historyEnd),
        bytes.subarray(end),
      ])
      const id = deriveUlid(loggedAt, identity)
      const before = seen.get(id) ?? 0
      seen.set(id, before + 1)
      return before === 0 ? id : deriveUlid(loggedAt, `${id}\0${before}`)
    },
  }
}

function describeCall(frame: Frame, conversation: Conversation, protocolId: string, id: string): SourceCall {
  const isChat = protocolId === openaiChat.id
  const answerBytes = writeAnswer(frame.response, isChat)
  const exchange: Exchange = {
    id,
    scope: { kind: 'session', id: frame.session },
    turn: null,
    attempt: null,
    protocol: protocolId,
    route: 'import:mini-vela',
    method: 'POST',
    path: isChat ? chatPath : messagesPath,
    query: '',
    requestHeaders: jsonHeaders,
    requestBytes: frame.end - frame.from,
    // Not of these bytes: what the client sent was written again by the log.
    requestSha256: '',
    status: 200,
    responseHeaders: jsonHeaders,
    responseBytes: answerBytes.length,
    responseSha256: null,
    outcome: 'complete',
    failure: null,
    providerRequestId: null,
    retries: 0,
    startedAt: frame.loggedAt,
    firstByteAt: null,
    endedAt: frame.loggedAt,
  }
  const protocol = protocolById(protocolId) ?? anthropicMessages
  return { exchange, conversation, answer: readAnswer(protocol, exchange, answerBytes), continues: null, costNanoUsd: null }
}
