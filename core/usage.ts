// Sums over token counts of a call: of what was said, and null when nothing was, because an unknown is never 0. Pure. The one place that
// knows by how many names cache writes go; reading counts off a provider's answer is the business of protocols/.

import type { Usage } from './types.ts'

export function sumKnown(counts: ReadonlyArray<number | null>): number | null {
  const known = counts.filter(count => count !== null)
  return known.length === 0 ? null : known.reduce((total, count) => total + count, 0)
}

/** Written to a cache, whatever its lifetime. */
export function sumWritten(usage: Usage | null): number | null {
  return usage === null ? null : sumKnown([usage.cachedWrite5m, usage.cachedWrite1h, usage.cachedWriteOther])
}

/** All that the model was given: fresh, from the cache, and written to it. */
export function sumPrompt(usage: Usage | null): number | null {
  return usage === null ? null : sumKnown([usage.input, usage.cachedRead, sumWritten(usage)])
}
