// The proxy's own routes under /_turnpike/: health, metrics, sessions. Fastify serves these and nothing else; recorded traffic
// never passes through it. Answers loopback callers, and others only with the control token.

import { timingSafeEqual } from 'node:crypto'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Store } from '../store/_adapter.ts'
import type { ProxyMetrics } from './metrics.ts'

export interface ControlOptions {
  readonly store: Store
  readonly metrics: ProxyMetrics
  readonly controlToken: string | null
  readonly draining: () => boolean
  readonly startedAt: number
  readonly version: string
}

export async function createControl(options: ControlOptions): Promise<FastifyInstance> {
  const app = Fastify({ logger: false })
  app.addHook('onRequest', async (request, reply) => {
    if (mayControl(request, options.controlToken)) return
    await reply.code(403).send({ error: 'control routes answer loopback callers, or others with the control token as Bearer' })
  })
  app.get('/_turnpike/health', async (_, reply) => {
    const status = options.draining() ? 'draining' : 'ok'
    const uptimeS = Math.round((Date.now() - options.startedAt) / 1000)
    return reply
      .code(options.draining() ? 503 : 200)
      .send({ status, version: options.version, uptime_s: uptimeS, in_flight: options.metrics.inFlight() })
  })
  app.get('/_turnpike/metrics', async (_, reply) =>
    reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics()),
  )
  app.get('/_turnpike/sessions', async () => {
    const sessions = await options.store.list('sessions')
    return sessions.map(({ id, name, source, startedAt }) => ({
      id,
      name,
      source,
      started_at: new Date(startedAt).toISOString(),
    }))
  })
  await app.ready()
  return app
}

function mayControl(request: FastifyRequest, token: string | null): boolean {
  const address = request.socket.remoteAddress ?? ''
  if (address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')) return true
  const presented = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  if (token === null || presented === undefined || presented.length !== token.length) return false
  return timingSafeEqual(Buffer.from(presented), Buffer.from(token))
}
