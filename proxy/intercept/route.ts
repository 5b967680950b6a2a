// Where an intercepted request goes: to the host it was meant for, with the proxy's own key where it has one for that host. Pure.

import type { Route, Routes } from '../routes.ts'

export function interceptRoute(routes: Routes, origin: URL, protocol: string | null): Route {
  const credential = routes.credentialFor?.(origin, protocol) ?? []
  const asAsked = { targetOf: (path: string) => path, headers: [], upstreamModel: null, websocket: true }
  return { name: 'intercept', origin, credential, ...asAsked, intercepted: true }
}
