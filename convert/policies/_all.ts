// Every policy; a test holds this list against the directory.

import { TurnpikeError } from '../../core/errors.ts'
import type { Policy } from './_adapter.ts'
import calls from './calls.ts'
import exact from './exact.ts'
import readable from './readable.ts'
import tokens from './tokens.ts'
import tolerant from './tolerant.ts'
import tree from './tree.ts'

export const policies: readonly Policy[] = [readable, exact, tolerant, calls, tree, tokens]

export function findPolicy(id: string): Policy {
  const policy = policies.find(policy => policy.id === id)
  if (policy === undefined)
    throw new TurnpikeError('E_USAGE', `there is no policy ${id}`, {
      hint: `use one of: ${policies.map(policy => policy.id).join(', ')}`,
    })
  return policy
}
