// The record of one exchange as the gate sees it: what is masked before it reaches the store, and what is committed when.
// A store that cannot be written refuses the call, unless the operator asked to let traffic pass, and then says so.

import { maskHeaders, maskQuery, maskText } from '../core/redact.ts'
import type { EpochMs, HeaderList } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import type { Recorder } from '../store/_adapter.ts'
import type { Ending } from './answer.ts'
import type { Arrived } from './arrived.ts'
import { presentedKeys } from './attribute.ts'
import { headerValue, recordedTrailers } from './headers.ts'
import type { ResolvedScope } from './scopes.ts'

export interface RecordOptions {
  readonly recorder: Recorder
  /** Every provider key the proxy itself knows; masked in all records. */
  readonly ownSecrets: readonly string[]
  readonly onRecordFailure: 'refuse' | 'pass'
}

/** What is recorded of a request: one that came over HTTP, or one message on a WebSocket. */
export interface RecordedRequest extends Pick<Arrived, 'id' | 'startedAt' | 'headers' | 'addressed' | 'protocol' | 'body'> {
  readonly method: string
  /** Spoken in the protocol, but no call of it (a handshake, a message that asks for nothing): there is nothing to decode. */
  readonly noCall?: boolean
  /** Fields that followed the body. */
  readonly trailers?: HeaderList
}

/** The record of one exchange; when the store failed and passing was asked for, a record that keeps nothing. */
export interface Recording {
  readonly head: (soFar: Pick<Ending, 'status' | 'responseHeaders' | 'firstByteAt'>) => void
  readonly append: (bytes: Buffer, at: EpochMs) => void
  readonly pendingBytes: () => number
  readonly checkpoint: (ending: Ending) => Promise<void>
  readonly end: (ending: Ending, retries: number) => Promise<void>
  readonly unrecorded: boolean
  /** What is masked in it. */
  readonly secrets: readonly string[]
}

/** Commits the request. Rejects when the store cannot be written, unless passing unrecorded was asked for. */
export async function startRecording(
  options: RecordOptions,
  arrived: RecordedRequest,
  resolved: ResolvedScope,
  route: string | null,
): Promise<Recording> {
  const secrets = secretsOf(options, arrived)
  const secretHeaders = arrived.protocol?.secretHeaders ?? []
  try {
    await options.recorder.begin({
      id: arrived.id,
      scope: resolved.scope,
      turn: resolved.turn,
      attempt: resolved.attempt,
      protocol: arrived.noCall === true ? null : (arrived.protocol?.id ?? null),
      route,
      method: arrived.method,
      path: maskText(arrived.addressed.path, secrets),
      query: maskQuery(arrived.addressed.query, secrets),
      requestHeaders: maskHeaders(requestHeaders(arrived), secretHeaders, secrets),
      requestBody: arrived.body,
      startedAt: arrived.startedAt,
      secrets,
    })
  } catch (error) {
    if (options.onRecordFailure === 'refuse') throw error
    return unrecorded
  }
  return recordingOf(options, arrived, secretHeaders, secrets)
}

function requestHeaders({ headers, trailers = [] }: RecordedRequest): HeaderList {
  return trailers.length === 0 ? headers : [...headers, ...recordedTrailers(trailers)]
}

const unrecorded: Recording = {
  head: () => undefined,
  append: () => undefined,
  pendingBytes: () => 0,
  checkpoint: async () => undefined,
  end: async () => undefined,
  unrecorded: true,
  secrets: [],
}

function recordingOf(
  options: RecordOptions,
  arrived: RecordedRequest,
  secretHeaders: readonly string[],
  secrets: readonly string[],
): Recording {
  const { recorder } = options
  const describe = createDescription(arrived.protocol, secretHeaders, secrets)
  const complete = (ending: Ending, retries: number) => ({ ...ending, ...describe(ending.responseHeaders), retries })
  return {
    head: ({ status, responseHeaders, firstByteAt }) =>
      recorder.head(arrived.id, { status, ...describe(responseHeaders), firstByteAt }),
    pendingBytes: recorder.pendingBytes,
    append: (bytes, at) => recorder.append(arrived.id, bytes, at),
    checkpoint: ending => recorder.checkpoint(arrived.id, complete(ending, 0)),
    end: (ending, retries) => recorder.end(arrived.id, complete(ending, retries)),
    unrecorded: false,
    secrets,
  }
}

interface Description {
  readonly responseHeaders: HeaderList | null
  readonly providerRequestId: string | null
}

/** Masks a head once, though it is told at its beginning and at its end. */
function createDescription(protocol: ProtocolAdapter | null, secretHeaders: readonly string[], secrets: readonly string[]) {
  let last: HeaderList | null = null
  let description: Description = { responseHeaders: null, providerRequestId: null }
  return (headers: HeaderList | null): Description => {
    if (headers === last) return description
    last = headers
    const responseHeaders = headers === null ? null : maskHeaders(headers, secretHeaders, secrets)
    description = { responseHeaders, providerRequestId: findRequestId(protocol, headers) }
    return description
  }
}

function secretsOf(options: RecordOptions, arrived: RecordedRequest): readonly string[] {
  const { attribution, query } = arrived.addressed
  const secrets = new Set([...options.ownSecrets, ...presentedKeys(arrived.headers, query)])
  if (attribution.kind === 'token') secrets.add(attribution.token)
  return [...secrets]
}

/** The provider's own id of an answer. */
export function findRequestId(protocol: ProtocolAdapter | null, headers: HeaderList | null): string | null {
  if (headers === null) return null
  for (const name of protocol?.requestIdHeaders ?? ['request-id', 'x-request-id']) {
    const value = headerValue(headers, name)
    if (value !== null) return value
  }
  return null
}
