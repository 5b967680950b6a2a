// Who answers the models: the simulated provider, a recording, one upstream, or the routes of a models file. Decides it from the configuration,
// the same way for `turnpike proxy` and `turnpike run`.

import type { Config } from '../core/config.ts'
import { TurnpikeError } from '../core/errors.ts'
import { type Routes, readRoutes } from '../proxy/routes.ts'
import { singleUpstream } from '../proxy/single-upstream.ts'
import { packageFile } from './package-files.ts'

export interface Providers {
  readonly routes: Routes
  readonly simulated: boolean
  /** In words, for the person at the terminal. */
  readonly description: string
  readonly close: () => Promise<void>
}

/** The keys that decide it, for the commands that have them as flags; a recording's own are in replay.ts. */
export const providerKeys: readonly string[] = [
  'proxy.models',
  'proxy.upstream',
  'simulated.enabled',
  'simulated.script',
  'simulated.seed',
]

type Environment = Readonly<Record<string, string | undefined>>

export async function openProviders(config: Config, environment: Environment): Promise<Providers> {
  const { proxy, simulated, replay } = config
  if (replay.ref !== null && replay.onMiss === 'fail') return replayOnly(config)
  if (simulated.enabled) return openSimulated(config)
  const close = async (): Promise<void> => {}
  if (proxy.upstream !== null) {
    const key = environment['TURNPIKE_UPSTREAM_KEY']
    const routes = singleUpstream(proxy.upstream, key ? { key } : { env: environment })
    return { routes, simulated: false, description: proxy.upstream, close }
  }
  const file = proxy.models ?? packageFile('configs', 'models.yaml')
  return { routes: await readRoutes(file, environment), simulated: false, description: `the routes of ${file}`, close }
}

/** No provider at all: every model is known and no key is needed, since nothing is ever forwarded. */
function replayOnly({ proxy, simulated, replay }: Config): Providers {
  const other = simulated.enabled ? '--simulated' : proxy.upstream !== null ? '--upstream' : null
  if (other !== null)
    throw new TurnpikeError('E_USAGE', `--replay and ${other} were both asked for`, {
      hint: `leave out ${other}, or let calls that are not on record pass to it: --on-miss forward`,
    })
  return {
    routes: singleUpstream('http://replay.invalid', { name: 'replay' }),
    simulated: false,
    description: `the recording ${replay.ref}`,
    close: async () => undefined,
  }
}

async function openSimulated(config: Config): Promise<Providers> {
  const { script, seed } = config.simulated
  if (config.proxy.upstream !== null)
    throw new TurnpikeError('E_USAGE', 'the simulated provider and an upstream were both asked for', {
      hint: 'leave out --simulated or --upstream (or simulated.enabled, proxy.upstream in the configuration)',
    })
  // Loaded here: commands that only look into the store must start fast.
  const { readScript } = await import('../scenarios/simulated/script.ts')
  const { startSimulated } = await import('../scenarios/simulated/server.ts')
  const server = await startSimulated({ seed, ...(script === null ? {} : { script: await readScript(script) }) })
  return {
    routes: singleUpstream(server.url, { name: 'simulated' }),
    simulated: true,
    description: `the simulated provider (seed ${seed}${script === null ? '' : `, script ${script}`})`,
    close: () => server.close(),
  }
}
