// `turnpike proxy`: the recording proxy on its own. One line on standard output when it is ready; drains on the first signal.

import { budgetKeyNames } from '../../core/budget-keys.ts'
import { readHosts } from '../../proxy/intercept/hosts.ts'
import type { ProxyOptions } from '../../proxy/server.ts'
import type { Store } from '../../store/_adapter.ts'
import { readVersion } from '../package-files.ts'
import { openProviders, type Providers, providerKeys } from '../providers.ts'
import { checkReplay, type OpenedReplay, openReplay, replayKeys } from '../replay.ts'
import { useStoreAt } from '../store-access.ts'
import { openToll, planToll, type TollPlan } from '../toll.ts'
import { type Access, readAccess } from '../upstream-access.ts'
import type { CommandContext, CommandSpec } from './_command.ts'

export const proxyCommand: CommandSpec = {
  usage: 'proxy',
  group: 'Record and run',
  summary: 'Record everything between agents and model providers',
  description:
    'Point an agent at http://HOST:PORT (or http://HOST:PORT/s/NAME to name the session): its own key passes through and is\n' +
    'masked in the record. Prints `listening URL` when ready. Ctrl-C or SIGTERM lets running answers end, then stops.',
  keys: [
    'proxy.host',
    'proxy.port',
    ...providerKeys,
    'proxy.upstream_ca',
    'proxy.intercept',
    'proxy.on_record_failure',
    'proxy.inject',
    'proxy.meter',
    ...budgetKeyNames('session'),
    ...replayKeys,
  ],
  examples: [
    'turnpike proxy --simulated',
    'turnpike proxy --upstream https://api.anthropic.com',
    'turnpike proxy --intercept "api.anthropic.com,*.openai.com"',
    'turnpike proxy --replay my-session',
    'ANTHROPIC_BASE_URL=http://127.0.0.1:4000/s/my-session claude',
  ],
  run: async context => {
    // Before the store: a mistake must not leave an empty one behind.
    await checkReplay(context.config)
    const providers = await openProviders(context.config, context.environment)
    const toll = await planToll(context.config, 'proxy', providers.routes.limits)
    const access = await readAccess(context.config, context.environment)
    const { intercept } = context.config.proxy
    const hosts = intercept === null ? null : readHosts(intercept)
    const run = async (store: Store): Promise<number> => {
      const replay = await openReplay(context.config, store)
      return serve(context, store, { providers, toll, replay, access, hosts }).finally(replay.close)
    }
    return useStoreAt(context.config.store, {}, run).finally(providers.close)
  },
}

interface Served {
  readonly providers: Providers
  readonly toll: TollPlan
  readonly replay: OpenedReplay
  readonly access: Access
  /** Hosts to intercept; null: none. */
  readonly hosts: readonly string[] | null
}

async function serve(context: CommandContext, store: Store, served: Served): Promise<number> {
  const { providers, toll, replay, access, hosts } = served
  const { config, output } = context
  const controlToken = context.environment['TURNPIKE_CONTROL_TOKEN']
  // Loaded here: commands that only look into the store must start fast.
  const { startProxy } = await import('../../proxy/server.ts')
  const { openAuthority } = await import('../../proxy/intercept/authority.ts')
  const intercept = hosts === null ? null : { hosts, authority: await openAuthority(config.store) }
  const proxy = await startProxy({
    store,
    host: config.proxy.host,
    port: config.proxy.port,
    routes: providers.routes,
    ...access,
    ...(intercept === null ? {} : { intercept }),
    onRecordFailure: config.proxy.onRecordFailure,
    version: readVersion(),
    ...(await openToll(toll, { store, providers, replay })).proxyOptions,
    ...(controlToken ? { controlToken } : {}),
    ...(context.verbose ? { onExchange: note => output.note(describeExchange(note)) } : {}),
  })
  if (config.proxy.onRecordFailure === 'pass')
    output.note('warning: calls pass UNRECORDED while the store cannot be written (--on-record-failure pass)')
  if (context.verbose) output.note(`models: ${providers.description}; store: ${config.store}`)
  const authority = intercept === null ? {} : { intercept_ca: intercept.authority.file }
  if (intercept !== null) output.note(`intercepting ${intercept.hosts.join(', ')}; agents must trust ${intercept.authority.file}`)
  if (context.json) await output.writeJson({ event: 'listening', url: proxy.url, ...authority })
  else await output.write(`listening ${proxy.url}\n`)
  await waitForSignal(context.signal)
  if (context.verbose || output.isTty) output.note('draining: running answers may end; the next Ctrl-C stops at once')
  await proxy.drain()
  const replayed = replay.describe()
  if (replayed !== null) output.note(replayed)
  return 0
}

type Note = Parameters<NonNullable<ProxyOptions['onExchange']>>[0]

function describeExchange(note: Note): string {
  const parts = [note.outcome, note.status ?? '–', note.protocol ?? 'no protocol', `${Math.round(note.ms)} ms`, note.code ?? '']
  return parts.join('  ').trimEnd()
}

function waitForSignal(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
