// A whole proxy in front of a scripted WebSocket upstream, for the tests in tests/proxy/websocket.
import { TurnpikeError } from '../core/errors.ts'
import type { Exchange } from '../core/types.ts'
import { readMessages } from '../protocols/_framing-websocket.ts'
import { parseRoutes, type Routes } from '../proxy/routes.ts'
import type { ProxyOptions } from '../proxy/server.ts'
import type { Store } from '../store/_adapter.ts'
import { openStore } from '../store/open.ts'
import { openRig, type Rig } from './rig.ts'
import { makeDirectory } from './runner/_sandbox.ts'
import { type SocketUpstream, startSocketUpstream, type UpstreamScript } from './sockets.ts'

export interface SocketRig {
  readonly rig: Rig
  readonly upstream: SocketUpstream
  /** http://…/v1/responses of a named session. */
  readonly url: string
  /** Exchanges of messages, in order. */
  readonly asked: () => Promise<Exchange[]>
  readonly request: (exchange: Exchange | undefined) => Promise<string>
  readonly answers: (exchange: Exchange | undefined) => Promise<string[]>
  readonly close: () => Promise<void>
}

export async function openSocketRig(
  script: UpstreamScript,
  options: (url: string) => Partial<ProxyOptions> = () => ({}),
): Promise<SocketRig> {
  const upstream = await startSocketUpstream(script)
  const rig = await openRig(upstream.url, options(upstream.url))
  return {
    rig,
    upstream,
    url: `${rig.proxy.url}/s/socket/v1/responses`,
    asked: async () => (await rig.exchanges()).filter(({ method }) => method === 'WS'),
    request: async exchange => (await rig.body(exchange, 'request')).toString(),
    answers: async exchange => readMessages(await rig.body(exchange, 'response')).map(({ payload }) => payload.toString()),
    close: async () => {
      await rig.close()
      await upstream.close()
    },
  }
}

export const realKey = 'sk-the-real-key-of-the-proxy'

export function routesTo(url: string): Routes {
  const text = `version: 1
providers:
  plain:
    endpoints:
      openai-responses: { base_url: http://127.0.0.1:9 }
  real:
    key_env: REAL_KEY
    endpoints:
      openai-responses: { base_url: ${url}/base, websocket: true }
routes:
  - { model: "gpt-*", provider: real }
  - { model: "local/*", provider: real, upstream_model: "*" }
  - { model: "plain-*", provider: plain }
`
  return parseRoutes(text, 'models.yaml', { REAL_KEY: realKey })
}

/** A real store whose commits of ends wait for `release`, or fail. */
export async function openSlowStore(): Promise<{ store: Store; release: () => void; fail: () => void }> {
  const store = await openStore(makeDirectory())
  const waiting: Array<{ go: () => void; fail: () => void }> = []
  let mode: 'hold' | 'go' | 'fail' = 'hold'
  const gate = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const entry = { go: resolve, fail: () => reject(new TurnpikeError('E_RECORD_FAILED', 'disk full')) }
      if (mode === 'hold') waiting.push(entry)
      else entry[mode]()
    })
  const settle = (to: 'go' | 'fail') => () => {
    mode = to
    for (const entry of waiting.splice(0)) entry[to]()
  }
  const recorder: Store['recorder'] = {
    ...store.recorder,
    end: async (id, end) => {
      if (end.status !== 101) await gate()
      await store.recorder.end(id, end)
    },
  }
  return { store: { ...store, recorder }, release: settle('go'), fail: settle('fail') }
}
