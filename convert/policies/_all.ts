// Every policy; a test holds this list against the directory.

import { TurnpikeError } from '../../core/errors.ts'
import type { Policy } from './_adapter.ts'
import calls from './calls.ts'
import readable from './readable.ts'

export const policies: readonly Policy[] = [readable, calls]

export function findPolicy(id: string): Policy {
  const policy = policies.find(policy => policy.id === id)
  if (policy === undefined)
    throw new TurnpikeError('E_USAGE', `there is no policy ${id}`, {
      hint: `use one of: ${policies.map(policy => policy.id).join(', ')}`,
    })
  return policy
}
