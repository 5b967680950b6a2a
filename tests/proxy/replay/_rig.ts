// A recording made against a scripted upstream, and a second proxy on the same store that replays it with the upstream still counting.

import { openLibrary } from '../../../proxy/replay/library.ts'
import type { ReplayOptions } from '../../../proxy/replay/options.ts'
import { createReplay, type Replay } from '../../../proxy/replay/replay.ts'
import { type RunningProxy, startProxy } from '../../../proxy/server.ts'
import { singleUpstream } from '../../../proxy/single-upstream.ts'
import { openRig, type Rig } from '../../rig.ts'
import { startUpstream, type Upstream, type UpstreamConnection, type UpstreamRequest } from '../../upstream.ts'

export interface ReplayRig extends Rig {
  readonly upstream: Upstream
  /** Base URL of the recording session. */
  readonly recordUrl: string
  /** Starts a proxy that replays `ref`; its traffic is recorded into the same store. */
  readonly replay: (ref: string, options?: Partial<Omit<ReplayOptions, 'library'>>) => Promise<Replaying>
}

export interface Replaying {
  readonly url: string
  readonly replay: Replay
  readonly close: () => Promise<void>
}

export async function openReplayRig(
  answer: (request: UpstreamRequest, connection: UpstreamConnection) => void,
): Promise<ReplayRig> {
  const upstream = await startUpstream(answer)
  const rig = await openRig(upstream.url)
  const proxies: RunningProxy[] = []
  return {
    ...rig,
    upstream,
    recordUrl: `${rig.proxy.url}/s/recorded`,
    replay: async (ref, options = {}) => {
      const library = await openLibrary({ store: rig.store, ref, live: rig.store })
      const replay = createReplay({ library, onMiss: 'fail', timing: 'zero', ...options })
      const forwards = options.onMiss === 'forward'
      const proxy = await startProxy({
        store: rig.store,
        host: '127.0.0.1',
        port: 0,
        routes: forwards ? singleUpstream(upstream.url) : singleUpstream('http://replay.invalid', { name: 'replay' }),
        onRecordFailure: 'refuse',
        version: 'test',
        layers: [replay.layer],
      })
      proxies.push(proxy)
      return { url: proxy.url, replay, close: () => proxy.drain(0) }
    },
    close: async () => {
      for (const proxy of proxies) await proxy.drain(0)
      await rig.close()
      await upstream.close()
    },
  }
}

export const jsonHeaders = ['content-type', 'application/json', 'anthropic-version', '2023-06-01']

/** A request of Anthropic Messages; `said` is what the model has said so far, each followed by what it was answered. */
export function messagesBody(fields: {
  readonly system?: string
  readonly first: string
  readonly said?: ReadonlyArray<readonly [assistant: unknown, user: unknown]>
  readonly tools?: readonly string[]
  readonly model?: string
  readonly stream?: boolean
  readonly extra?: object
}): string {
  const { system = 'You write code.', first, said = [], tools = ['bash', 'edit'], model = 'claude-x', stream = false } = fields
  return JSON.stringify({
    model,
    max_tokens: 100,
    system,
    stream,
    tools: tools.map(name => ({ name, description: `the tool ${name}`, input_schema: { type: 'object' } })),
    messages: [
      { role: 'user', content: first },
      ...said.flatMap(([assistant, user]) => [
        { role: 'assistant', content: assistant },
        { role: 'user', content: user },
      ]),
    ],
    ...fields.extra,
  })
}

export function answerText(text: string, id = 'msg_1'): string {
  return JSON.stringify({
    id,
    type: 'message',
    role: 'assistant',
    model: 'claude-x',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 3, output_tokens: 5 },
  })
}
