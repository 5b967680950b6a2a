// `turnpike show`: what was said, call by call, each with what was new in it; or the exact bytes of one exchange.

import { TurnpikeError } from '../../core/errors.ts'
import type { Exchange } from '../../core/types.ts'
import type { Ref, Store } from '../../store/_adapter.ts'
import { decodeNew } from '../derive.ts'
import { readScopes } from '../scopes.ts'
import { describeAttempts, describeShown } from '../show-view.ts'
import { readShown, type ShownScope, writeExchange, writeShownCall } from '../shown-calls.ts'
import { useStore } from '../store-access.ts'
import type { CommandContext, CommandSpec } from './_command.ts'

export const showCommand: CommandSpec = {
  usage: 'show <ref>',
  group: 'Look into the store',
  summary: 'Show the calls of a run, trial, session or exchange, or raw bytes',
  description: 'Agents send their whole history with every call: each call is shown with the messages that were new in it.',
  keys: ['prices'],
  options: [
    {
      flags: '--raw <side>',
      meaning: 'Write the exact bytes of one exchange to standard output.',
      choices: ['request', 'response'],
    },
  ],
  examples: [
    'turnpike show my-session',
    'turnpike show latest --json | jq ".calls[].usage"',
    'turnpike show 01JABCDEF --raw response > answer.txt',
  ],
  run: context => {
    const raw = context.options['raw']
    if (raw === 'request' || raw === 'response')
      return useStore(context, { readOnly: true }, store => writeRaw(context, store, raw))
    return useStore(context, {}, store => showCalls(context, store))
  },
}

async function showCalls(context: CommandContext, store: Store): Promise<number> {
  const ref = await store.resolveRef(context.arguments[0] ?? '')
  const scopes = await readAll(context, store, ref)
  if (context.json) {
    const calls = scopes.flatMap(scope => scope.calls.map(writeShownCall))
    const other = scopes.flatMap(scope => scope.other.map(writeExchange))
    const attempts = (await readAttempts(store, ref)).map(writeExchange)
    await context.output.writeJson({
      id: ref.id,
      kind: ref.kind,
      name: ref.name,
      calls,
      other_exchanges: other,
      ...(ref.kind === 'exchange' ? { upstream_attempts: attempts } : {}),
      ...writeHeaders(ref, scopes),
    })
  } else await context.output.write(describeShown(ref, scopes, context.output) + describeAttempts(await readAttempts(store, ref)))
  return 0
}

/** Of a single exchange: the attempts at it that were given up, the first one first. */
async function readAttempts(store: Store, ref: Ref): Promise<Exchange[]> {
  return ref.kind === 'exchange' ? store.exchanges({ partOf: ref.id }) : []
}

async function readAll(context: CommandContext, store: Store, ref: Ref): Promise<ShownScope[]> {
  if (ref.kind === 'exchange') {
    await decodeNew(store, context, 'all')
    return [await readShown(store, { id: ref.id })]
  }
  const { scopes } = await readScopes(store, ref.id)
  await decodeNew(store, context, scopes)
  const shown: ShownScope[] = []
  for (const scope of scopes) shown.push(await readShown(store, { scopeId: scope.id }))
  return shown
}

/** Of a single exchange its headers too; secrets in them are masked in the store. */
function writeHeaders(ref: Ref, scopes: readonly ShownScope[]): object {
  if (ref.kind !== 'exchange') return {}
  const [exchange] = scopes.flatMap(scope => [...scope.calls.map(call => call.exchange), ...scope.other])
  if (exchange === undefined) return {}
  const { query, requestHeaders, responseHeaders, requestSha256, responseSha256 } = exchange
  return {
    query,
    request_headers: requestHeaders,
    response_headers: responseHeaders,
    request_sha256: requestSha256,
    response_sha256: responseSha256,
  }
}

async function writeRaw(context: CommandContext, store: Store, side: 'request' | 'response'): Promise<number> {
  const ref = await store.resolveRef(context.arguments[0] ?? '')
  if (ref.kind !== 'exchange')
    throw new TurnpikeError('E_USAGE', `--raw needs a single exchange, and "${ref.name}" is a ${ref.kind}`, {
      hint: `turnpike show ${ref.name} lists the ids of its exchanges`,
    })
  const body = await store.readBody(ref.id, side)
  if (body === null) {
    context.output.note(`no ${side} body was recorded for ${ref.id}`)
    return 1
  }
  if (body.masked.length > 0) context.output.note(`${body.masked.length} secrets are masked with *`)
  if (body.decodedFrom !== null) context.output.note(`stored decoded from ${body.decodedFrom}, because a secret was masked in it`)
  await context.output.write(body.bytes)
  return 0
}
