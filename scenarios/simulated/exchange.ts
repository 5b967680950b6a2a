// Answers one HTTP request the way the provider would: model calls, token counts, model lists, probes, and errors in the
// caller's dialect for everything else. Sits between server.ts (sockets) and wire.ts (bytes out). It never throws.

import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { asTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/types.ts'
import { type FoundRoute, findRoute } from '../../protocols/_all.ts'
import { readJsonBody } from './body.ts'
import { answerCall, type Caller, type ProviderState } from './call.ts'
import type { Dialect } from './dialect.ts'
import { chooseDialect } from './dialects.ts'
import { jsonTransmission, type Transmission } from './transmission.ts'
import { countPromptTokens } from './usage.ts'
import { playTransmission } from './wire.ts'

/** OpenAI's own compaction answers what only OpenAI can read; agents summarise by themselves where there is none. */
const compactPath = /\/responses\/compact\/?$/
const modelsPath = /\/models(?:\/([^/]+))?$/
const defaultModels = ['simulated-1']
/** Every answer carries it: nobody may take these bytes for a provider's. */
const label = { 'x-turnpike-simulated': 'true' }

interface Asked {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: string
}

export async function answerRequest(request: IncomingMessage, response: ServerResponse, state: ProviderState): Promise<void> {
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s)
  const asked = { method: request.method ?? 'GET', path, query }
  const route = findRoute(asked.method, asked.path)
  const dialect = chooseDialect(route?.protocol.id ?? null, request.headers, asked.path)
  let caller = greet(dialect, state, asked, null)
  let transmission: Transmission
  try {
    const body = asked.method === 'POST' ? await readJsonBody(request) : null
    caller = greet(dialect, state, asked, body)
    transmission = body === null ? answerProbe(asked, caller, state) : answerPost(asked, route, body, caller, state)
  } catch (thrown) {
    transmission = refuse(asTurnpikeError(thrown), caller)
  }
  await playTransmission(transmission, response)
}

export function greet(dialect: Dialect, { seed }: ProviderState, { method, path }: Asked, body: JsonObject | null): Caller {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, method, path, body]))
    .digest('hex')
  const requestId = `req_simulated_${digest.slice(0, 24)}`
  return { dialect, requestId, headers: { ...label, [dialect.requestIdHeader]: requestId } }
}

function answerPost(
  asked: Asked,
  route: FoundRoute | null,
  body: JsonObject,
  caller: Caller,
  state: ProviderState,
): Transmission {
  if (route === null || compactPath.test(asked.path)) throw unknownPath(asked)
  const count = caller.dialect.writeCount ?? countAnthropic
  if (route.purpose === 'count-tokens') return jsonTransmission(200, count(body), caller.headers)
  return answerCall({ adapter: route.protocol, address: asked, body }, caller, state)
}

const countAnthropic = (body: JsonObject): JsonObject => ({ input_tokens: countPromptTokens(body) })

/** What clients ask beside model calls: is anybody there, and which models. */
function answerProbe(asked: Asked, { dialect, headers }: Caller, { script }: ProviderState): Transmission {
  if (asked.method === 'HEAD' && asked.path === '/') return { ...jsonTransmission(200, {}, headers), frames: [] }
  const match = asked.method === 'GET' ? modelsPath.exec(asked.path) : null
  if (match === null) throw unknownPath(asked)
  const models = script?.models ?? defaultModels
  if (match[1] === undefined) return jsonTransmission(200, dialect.writeModels(models), headers)
  const wanted = decodeURIComponent(match[1])
  // Without a list of its own the server answers any model.
  if (script?.models != null && !models.includes(wanted))
    throw new TurnpikeError('E_MODEL_UNKNOWN', `there is no model "${wanted}"`)
  return jsonTransmission(200, dialect.writeModel(wanted), headers)
}

function unknownPath({ method, path }: Asked): TurnpikeError {
  const known =
    'POST …/v1/messages, POST …/v1/messages/count_tokens, POST …/v1/chat/completions, POST …/v1/responses, POST …/models/<model>:generateContent, POST …/model/<model>/converse or /invoke, and GET …/v1/models'
  return new TurnpikeError('E_BAD_REQUEST', `the simulated provider does not answer ${method} ${path}; it answers ${known}`, {
    details: { status: 404 },
  })
}

export function refuse(error: TurnpikeError, { dialect, requestId, headers }: Caller): Transmission {
  const status = statusOf(error)
  // The rest of a body that was refused unread is not worth reading.
  const closing: Record<string, string> = status === 413 ? { connection: 'close' } : {}
  const modelUnknown = error.code === 'E_MODEL_UNKNOWN'
  const body = dialect.writeError({ status, message: error.message, requestId, modelUnknown })
  return jsonTransmission(status, body, { ...headers, ...closing })
}

function statusOf(error: TurnpikeError): number {
  if (typeof error.details['status'] === 'number') return error.details['status']
  if (error.code === 'E_MODEL_UNKNOWN') return 404
  if (error.code === 'E_BODY_TOO_LARGE') return 413
  return error.code === 'E_BUG' ? 500 : 400
}
