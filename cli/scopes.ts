// What a REF stands for, as the scopes (trials and sessions) whose exchanges belong to it, in their order.

import { TurnpikeError } from '../core/errors.ts'
import type { Trial } from '../core/types.ts'
import type { Ref, Store } from '../store/_adapter.ts'

export interface NamedScope {
  readonly id: string
  readonly kind: 'trial' | 'session'
  readonly name: string
  readonly trial: Trial | null
}

export interface ResolvedScopes {
  readonly ref: Ref
  readonly scopes: readonly NamedScope[]
}

export async function readScopes(store: Store, name: string): Promise<ResolvedScopes> {
  const ref = await store.resolveRef(name)
  switch (ref.kind) {
    case 'run':
      return { ref, scopes: (await store.list('trials', { runId: ref.id })).map(nameTrial) }
    case 'trial':
      return { ref, scopes: (await store.list('trials', { id: ref.id })).map(nameTrial) }
    case 'session':
      return { ref, scopes: [{ id: ref.id, kind: 'session', name: ref.name, trial: null }] }
    case 'exchange':
      throw new TurnpikeError('E_USAGE', `"${name}" is a single exchange; name a run, trial or session`, {
        hint: `turnpike show ${ref.id}`,
      })
  }
}

export async function readRunId(store: Store, name: string): Promise<string> {
  const ref = await store.resolveRef(name)
  if (ref.kind === 'run') return ref.id
  throw new TurnpikeError('E_USAGE', `"${name}" is a ${ref.kind}, not a run`, { hint: 'turnpike runs lists the runs there are' })
}

function nameTrial(trial: Trial): NamedScope {
  return { id: trial.id, kind: 'trial', name: trial.name, trial }
}
