// Whose intercepted request is it: the user of the proxy URL (a trial's token or a session's name), or the agent's own headers. Pure.

import type { HeaderList } from '../../core/types.ts'
import { type Addressed, type Attribution, attribute, attributeByName, tokenPrefix } from '../attribute.ts'
import { headerValue } from '../headers.ts'

/** User name of `proxy-authorization`, null when there is none. */
export function proxyUser(value: string | null): string | null {
  const coded = /^basic\s+([A-Za-z0-9+/=_-]+)\s*$/i.exec(value ?? '')?.[1]
  if (coded === undefined) return null
  const user = Buffer.from(coded, 'base64').toString().split(':', 1)[0] ?? ''
  return user === '' ? null : user
}

/** `target` is the path and query as the host is asked for them: no prefix of ours is looked for in it. */
export function addressIntercepted(target: string, headers: HeaderList, connectUser: string | null): Addressed {
  const cut = target.indexOf('?')
  const path = cut < 0 ? target : target.slice(0, cut)
  const query = cut < 0 ? '' : target.slice(cut + 1)
  const user = proxyUser(headerValue(headers, 'proxy-authorization')) ?? connectUser
  return { attribution: attributeUser(user, headers, query), path, query }
}

function attributeUser(user: string | null, headers: HeaderList, query: string): Attribution {
  if (user === null) return attribute(query === '' ? '/' : `/?${query}`, headers).attribution
  return user.startsWith(tokenPrefix) ? { kind: 'token', token: user } : attributeByName(user, headers)
}
