// Tells from the wire whether a failed attempt failed because of the model's provider (or our road to it) and not because of the
// agent. Pure. An attempt that ended on a dead provider measures nothing and must not become a zero.

import type { Exchange } from '../core/types.ts'

export type Blame = { readonly kind: 'provider' | 'budget'; readonly reason: string }

/** Judges by the last model call of the attempt: earlier failures were survived. Null = the attempt is the agent's own. */
export function blameProvider(exchanges: readonly Exchange[], turn: number, attempt: number): Blame | null {
  const calls = exchanges.filter(exchange => exchange.turn === turn && exchange.attempt === attempt && isModelCall(exchange))
  const last = calls.at(-1)
  if (!last) return null
  // A fault on purpose is part of what was measured: giving up on it is the agent's own doing.
  if (last.failure?.code === 'E_INJECTED_FAULT') return null
  const failure = last.failure === null ? '' : `: ${last.failure.code} ${last.failure.message}`
  switch (last.outcome) {
    case 'refused':
      if (last.failure?.code.includes('BUDGET')) return { kind: 'budget', reason: `over budget${failure}` }
      // What we refuse because of the request itself is the agent's doing.
      if (last.failure?.code === 'E_BAD_REQUEST' || last.failure?.code === 'E_BODY_TOO_LARGE') return null
      return { kind: 'provider', reason: `the proxy refused the last model call${failure}` }
    case 'upstream-cut':
    case 'upstream-refused':
    case 'timed-out':
    case 'proxy-killed':
      return { kind: 'provider', reason: `the last model call ended ${last.outcome}${failure}` }
    case 'complete':
      return last.status !== null && isProviderTrouble(last.status)
        ? { kind: 'provider', reason: `the provider answered the last model call with status ${last.status}` }
        : null
    case 'client-aborted':
    case 'in-flight':
      return null
  }
}

/** Catalogue and probe requests fail harmlessly in many agents. */
function isModelCall(exchange: Exchange): boolean {
  return exchange.method === 'POST' && exchange.protocol !== null && !exchange.path.endsWith('/count_tokens')
}

/** Keys, payment, limits, unknown model, outage. A 400 or 413 (such as a context that is too long) is the agent's own. */
function isProviderTrouble(status: number): boolean {
  return status >= 500 || [401, 402, 403, 404, 429].includes(status)
}
