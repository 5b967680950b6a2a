// Routes that lead everywhere to one upstream, whatever the model: `--upstream`, the simulated provider.

import { TurnpikeError } from '../core/errors.ts'
import { protocolById } from '../protocols/_all.ts'
import { type Environment, type Route, type Routes, type Wanted, writeCredential } from './routes.ts'
import { awsSecrets, isAwsHost, readAwsSigner } from './sigv4.ts'

/** Everything to one upstream: `--upstream`, the simulated provider. Paths are appended to the URL's own path. */
export function singleUpstream(
  url: string,
  options: { readonly name?: string; readonly key?: string; readonly env?: Environment } = {},
): Routes {
  const base = parseUpstream(url)
  const signer = isAwsHost(base) && options.key === undefined ? readAwsSigner(options.env ?? {}, base) : undefined
  const basePath = base.pathname.replace(/\/$/, '')
  const choose = (wanted: Wanted): Route => ({
    name: options.name ?? 'upstream',
    origin: base,
    targetOf: path => basePath + path,
    credential:
      options.key === undefined
        ? []
        : (protocolById(wanted.protocol ?? '')?.writeKey(options.key) ?? writeCredential('bearer', options.key)),
    headers: [],
    ...(signer === undefined ? {} : { signer }),
    upstreamModel: null,
    websocket: true,
  })
  const secrets = signer ? awsSecrets(options.env ?? {}) : []
  return { choose, needModel: false, secrets: options.key === undefined ? secrets : [options.key] }
}

function parseUpstream(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new TurnpikeError('E_USAGE', `--upstream must be an http or https URL, got "${url}"`, {
      hint: 'for example --upstream https://api.anthropic.com',
    })
  return parsed
}
