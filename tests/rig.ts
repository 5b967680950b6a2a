// A whole proxy for a test: a store in a temp directory, a proxy on a free port in front of a given upstream, and clean-up.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Exchange } from '../core/types.ts'
import { type ProxyOptions, type RunningProxy, startProxy } from '../proxy/server.ts'
import { singleUpstream } from '../proxy/single-upstream.ts'
import type { Store } from '../store/_adapter.ts'
import { openStore } from '../store/open.ts'
import { makeRun, makeTrial } from './rows.ts'

export interface Rig {
  readonly store: Store
  readonly proxy: RunningProxy
  readonly directory: string
  /** All exchanges, once none is in flight any more. */
  readonly exchanges: () => Promise<Exchange[]>
  readonly body: (exchange: Exchange | undefined, side: 'request' | 'response') => Promise<Buffer>
  readonly close: () => Promise<void>
}

export async function openRig(upstreamUrl: string, options: Partial<ProxyOptions> = {}): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), 'turnpike-test-'))
  const store = options.store ?? (await openStore(directory))
  const proxy = await startProxy({
    store,
    host: '127.0.0.1',
    port: 0,
    routes: singleUpstream(upstreamUrl),
    onRecordFailure: 'refuse',
    version: 'test',
    ...options,
  })
  const exchanges = async (): Promise<Exchange[]> => {
    for (const deadline = Date.now() + 5000; ; ) {
      const all = await store.exchanges({})
      if (all.every(exchange => exchange.outcome !== 'in-flight') || Date.now() > deadline) return all
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
  return {
    store,
    proxy,
    directory,
    exchanges,
    body: async (exchange, side) =>
      (exchange === undefined ? null : await store.readBody(exchange.id, side))?.bytes ?? Buffer.alloc(0),
    close: async () => {
      await proxy.drain(0)
      await store.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A run with one trial that stands at turn 2, attempt 1; its token, and a way to move it on. */
export async function startTrial(store: Store): Promise<{ token: string; moveTo: (turn: number) => Promise<void> }> {
  await store.put('runs', [makeRun({ id: 'run1', state: 'running', endedAt: null })])
  const trial = makeTrial({ id: 'trial1', runId: 'run1', name: 't', state: 'running', attempt: 1, endedAt: null })
  const moveTo = (turn: number) => store.put('trials', [{ ...trial, turn }])
  await moveTo(2)
  return { token: await store.mintToken('trial1'), moveTo }
}
