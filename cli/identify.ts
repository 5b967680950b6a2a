// How a request that someone else recorded is attributed: by the rules of the proxy, so that imported and recorded traffic is told apart alike.

import type { Identity } from '../convert/import-sessions.ts'
import type { HeaderList } from '../core/types.ts'
import { agentSessionOf, attribute, presentedKeys } from '../proxy/attribute.ts'

export function identify(url: string, headers: HeaderList): Identity {
  const { attribution, path, query } = attribute(url, headers)
  const secrets = new Set(presentedKeys(headers, query))
  if (attribution.kind === 'token') secrets.add(attribution.token)
  const agentSession = agentSessionOf(headers)
  const session = attribution.kind === 'session' && attribution.source !== 'default' ? attribution.name : agentSession
  return { path, query, session, agentSession, secrets: [...secrets] }
}
