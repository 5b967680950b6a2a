// What the server tests share: a server per test that is closed again, and clients of both kinds that never retry by themselves.
import { connect, type Socket } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { onTestFinished } from 'vitest'
import { parseScript } from '../../../scenarios/simulated/script.ts'
import { type SimulatedOptions, type SimulatedServer, startSimulated } from '../../../scenarios/simulated/server.ts'

export async function start(script?: string, options: Partial<SimulatedOptions> = {}): Promise<SimulatedServer> {
  const parsed = script === undefined ? {} : { script: parseScript(`version: 1\n${script}`, 'script.yaml') }
  const server = await startSimulated({ seed: 1, ...parsed, ...options })
  onTestFinished(() => server.close())
  return server
}

export const anthropicClient = (server: SimulatedServer, prefix = '/t/token') =>
  new Anthropic({ baseURL: server.url + prefix, apiKey: 'any', maxRetries: 0 })
export const openaiClient = (server: SimulatedServer, prefix = '/t/token/v1') =>
  new OpenAI({ baseURL: server.url + prefix, apiKey: 'any', maxRetries: 0 })

const parameters = { type: 'object' as const, properties: { command: { type: 'string' } }, required: ['command'] }
export const anthropicTools = [{ name: 'Bash', description: 'runs', input_schema: parameters }]
export const openaiTools = [{ type: 'function' as const, function: { name: 'bash', description: 'runs', parameters } }]

export type Kind = 'anthropic' | 'openai'
export const kinds: readonly Kind[] = ['anthropic', 'openai']
export const modes = kinds.flatMap(kind => [true, false].map(stream => ({ kind, stream })))

export function path(kind: Kind): string {
  return kind === 'anthropic' ? '/v1/messages' : '/v1/chat/completions'
}

export function requestBody(kind: Kind, text: string, stream: boolean, tools = false): string {
  const offered = tools ? { tools: kind === 'anthropic' ? anthropicTools : openaiTools } : {}
  const room = kind === 'anthropic' ? { max_tokens: 1_000 } : stream ? { stream_options: { include_usage: true } } : {}
  return JSON.stringify({ model: 'model-x', stream, ...room, ...offered, messages: [{ role: 'user', content: text }] })
}

export function post(
  server: SimulatedServer,
  kind: Kind,
  text: string,
  stream: boolean,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(server.url + path(kind), { method: 'POST', body: requestBody(kind, text, stream), ...(signal ? { signal } : {}) })
}

/** A raw connection: what came, when, and how it ended. */
export interface RawAnswer {
  readonly text: string
  readonly packets: ReadonlyArray<{ readonly at: number; readonly size: number }>
  readonly ending: 'fin' | 'reset' | 'refused'
}

export function postRaw(server: SimulatedServer, kind: Kind, text: string, stream: boolean): Promise<RawAnswer> {
  return new Promise(resolve => {
    const packets: Array<{ at: number; size: number }> = []
    let received = ''
    const socket: Socket = connect(server.port, '127.0.0.1', () => {
      const body = requestBody(kind, text, stream)
      const head = [`POST ${path(kind)} HTTP/1.1`, 'host: x', 'connection: close', `content-length: ${Buffer.byteLength(body)}`]
      socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    })
    socket.on('data', data => {
      packets.push({ at: performance.now(), size: data.length })
      received += data.toString('utf8')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve({ text: received, packets, ending: error.code === 'ECONNREFUSED' ? 'refused' : 'reset' })
    })
    socket.on('close', () => resolve({ text: received, packets, ending: 'fin' }))
  })
}
