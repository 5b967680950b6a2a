// A proxy with the whole toll around its forwarder, and an upstream that answers in any protocol of the list; for tests of meter, budgets,
// rate limits and faults.
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BudgetChoice } from '../core/config.ts'
import type { Answer, Conversation, Usage } from '../core/types.ts'
import type { ProtocolAdapter } from '../protocols/_adapter.ts'
import { findRoute } from '../protocols/_all.ts'
import { framingById } from '../protocols/_framings.ts'
import { noBudgets } from '../proxy/budget.ts'
import { createToll, type Toll, type TollOptions } from '../proxy/toll.ts'
import { openStore } from '../store/open.ts'
import { type Answered, ask } from './client.ts'
import { openRig, type Rig } from './rig.ts'
import { makeUsage } from './rows.ts'

export const unlimited: BudgetChoice = { calls: null, tokens: null, costUsd: null, wallMs: null }

export const usage: Usage = makeUsage({ input: 100, cachedRead: 40, cachedWrite5m: null, cachedWrite1h: null, output: 10 })

export const answer: Answer = {
  id: 'answer-1',
  model: 'model-1',
  message: { role: 'assistant', blocks: [{ kind: 'text', text: 'Hello brave new world, this is an answer of some length.' }] },
  stopReason: 'end_turn',
  usage,
  complete: true,
  error: null,
}

export function conversation(model: string, stream: boolean): Conversation {
  return {
    model,
    stream,
    system: [],
    messages: [{ role: 'user', blocks: [{ kind: 'text', text: 'Hello?' }] }],
    tools: [],
    maxTokens: 100,
    temperature: null,
    extra: {},
  }
}

export interface AnyUpstream {
  readonly url: string
  /** Paths asked, in order. */
  readonly asked: string[]
  readonly headers: http.IncomingHttpHeaders[]
  /** What it does instead of answering; false = it answers after all. */
  intercept: ((request: http.IncomingMessage, response: http.ServerResponse, body: string) => boolean) | null
  readonly close: () => Promise<void>
}

/** Answers every protocol of the list with the same answer, streamed or whole as asked. */
export async function startAnyUpstream(): Promise<AnyUpstream> {
  const state: { intercept: AnyUpstream['intercept'] } = { intercept: null }
  const asked: string[] = []
  const headers: http.IncomingHttpHeaders[] = []
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part))
    request.on('end', () => {
      const [path = '', query = ''] = (request.url ?? '').split('?')
      asked.push(path)
      headers.push(request.headers)
      const text = Buffer.concat(parts).toString()
      if (state.intercept?.(request, response, text)) return
      const protocol = findRoute(request.method ?? '', path)?.protocol
      if (!protocol) return void response.writeHead(404).end()
      if (protocol.readRequest(JSON.parse(text), { path, query }).stream) sendEvents(protocol, response)
      else sendJson(protocol, response)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    asked,
    headers,
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

export function wholeBody(protocol: ProtocolAdapter): string {
  return JSON.stringify(protocol.writeResponse(answer))
}

function sendJson(protocol: ProtocolAdapter, response: http.ServerResponse): void {
  const body = wholeBody(protocol)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
}

/** The bytes of each event. */
export function eventFrames(protocol: ProtocolAdapter): Buffer[] {
  const [first] = protocol.framings
  const framing = first === undefined ? null : framingById(first)
  if (framing === null) throw new Error(`${protocol.id} has no framing`)
  const splitter = framing.openSplitter()
  const bytes = Buffer.concat([...framing.writeEvents(protocol.writeEvents(answer, text => text.match(/.{1,8}/gs) ?? []))])
  const frames = splitter.push(bytes)
  const rest = splitter.rest()
  return rest.length > 0 ? [...frames, rest] : frames
}

export function contentType(protocol: ProtocolAdapter): string {
  return framingById(protocol.framings[0] ?? 'sse')?.contentType ?? ''
}

function sendEvents(protocol: ProtocolAdapter, response: http.ServerResponse): void {
  response.writeHead(200, { 'content-type': contentType(protocol) })
  for (const frame of eventFrames(protocol)) response.write(frame)
  response.end()
}

export interface TollRig extends Rig {
  readonly toll: Toll
  readonly call: (protocol: ProtocolAdapter, options?: CallOptions) => Promise<Answered>
}

export interface CallOptions {
  readonly model?: string
  readonly stream?: boolean
  /** `/s/test` when left out. */
  readonly scope?: string
  readonly onData?: (bytes: Buffer) => void
}

export async function openTollRig(upstreamUrl: string, options: Partial<TollOptions> = {}): Promise<TollRig> {
  const place = await mkdtemp(join(tmpdir(), 'turnpike-toll-'))
  const store = options.store ?? (await openStore(place))
  const toll = createToll({
    store,
    budgets: noBudgets,
    price: () => null,
    inject: null,
    limits: new Map(),
    watched: true,
    ...options,
  })
  if (toll === null) throw new Error('there is no toll')
  const { innerLayers, outerLayers, outerLinkLayers: linkLayers, admit, onDrain, registerMetrics } = toll
  const rig = await openRig(upstreamUrl, {
    store,
    layers: [...innerLayers, ...outerLayers],
    linkLayers,
    admit,
    onDrain,
    registerMetrics,
  })
  const call: TollRig['call'] = (protocol, { model = 'model-1', stream = false, scope = '/s/test', onData } = {}) => {
    const spoken = conversation(model, stream)
    const { path, query } = protocol.addressOf(spoken)
    return ask(`${rig.proxy.url}${scope}${path}${query === '' ? '' : `?${query}`}`, {
      headers: ['content-type', 'application/json'],
      body: JSON.stringify(protocol.writeRequest(spoken)),
      ...(onData ? { onData } : {}),
    })
  }
  const close = async (): Promise<void> => {
    await rig.close()
    await rm(place, { recursive: true, force: true })
  }
  return { ...rig, close, toll, call }
}
