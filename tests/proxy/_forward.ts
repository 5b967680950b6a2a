// Sends one request through a forwarder and says what came of it.
import type { ForwardEvents, Forwarder, Forwarding, ForwardRequest } from '../../proxy/forward.ts'

export interface Outcome {
  readonly status: number | null
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: string
  readonly trailers: ReadonlyArray<readonly [string, string]>
  readonly failure: { readonly stage: string; readonly error: Error } | null
  readonly retries: number
}

export function requestOf(url: string, change: Partial<ForwardRequest> = {}): ForwardRequest {
  const origin = new URL(url)
  const headers = [['Host', origin.host] as const]
  const body = change.body ?? new Uint8Array(0)
  const exchange: ForwardRequest['exchange'] = {
    id: 'X1',
    scope: { kind: 'session', id: 'S1' },
    turn: null,
    attempt: null,
    protocol: null,
    route: 'test',
    method: 'POST',
    path: origin.pathname,
    query: '',
    headers,
    body,
  }
  return { exchange, origin, method: 'POST', target: origin.pathname, headers, body, trailers: [], ...change }
}

export function send(
  forwarder: Forwarder,
  request: ForwardRequest,
  on: { readonly head?: (forwarding: Forwarding) => void; readonly data?: (bytes: Buffer, forwarding: Forwarding) => void } = {},
): Promise<Outcome> {
  return new Promise(resolve => {
    let head: Parameters<ForwardEvents['onHead']>[0] | null = null
    const parts: Buffer[] = []
    const done = (rest: Pick<Outcome, 'trailers' | 'failure'>): void =>
      resolve({
        status: head?.status ?? null,
        headers: head?.headers ?? [],
        body: Buffer.concat(parts).toString(),
        retries: forwarding.retries(),
        ...rest,
      })
    const forwarding: Forwarding = forwarder.forward(request, {
      onHead: found => {
        head = found
        on.head?.(forwarding)
      },
      onData: bytes => {
        parts.push(bytes)
        on.data?.(bytes, forwarding)
      },
      onEnd: trailers => done({ trailers, failure: null }),
      onFailure: failure => done({ trailers: [], failure }),
    })
  })
}
