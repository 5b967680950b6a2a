// Turns an attribution into the scope an exchange is recorded under: a trial by its token (with the turn and attempt it stands
// at), or a stand-alone session by name, made on first use. Holds no global "current" anything: any number run at once.

import { TurnpikeError } from '../core/errors.ts'
import type { EpochMs, Scope } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { createUlid } from '../store/ulid.ts'
import type { Attribution } from './attribute.ts'

export interface ResolvedScope {
  readonly scope: Scope
  readonly turn: number | null
  readonly attempt: number | null
  /** The caller holds a trial token instead of a provider key: the proxy presents its own. */
  readonly ownKey: boolean
}

export interface Scopes {
  /** Throws E_TOKEN_UNKNOWN or E_BAD_REQUEST. */
  readonly resolve: (attribution: Attribution) => Promise<ResolvedScope>
}

export function createScopes(store: Store, now: () => EpochMs): Scopes {
  const sessions = new Map<string, Promise<string>>()
  return {
    resolve: async attribution => {
      if (attribution.kind === 'invalid') throw new TurnpikeError('E_BAD_REQUEST', attribution.reason)
      if (attribution.kind === 'token') return resolveTrial(store, attribution.token)
      const id = await sessionId(store, sessions, attribution, now)
      return { scope: { kind: 'session', id }, turn: null, attempt: null, ownKey: false }
    },
  }
}

async function resolveTrial(store: Store, token: string): Promise<ResolvedScope> {
  const trial = await store.resolveToken(token)
  if (trial === null)
    throw new TurnpikeError(
      'E_TOKEN_UNKNOWN',
      `the token ${token.slice(0, 8)}… in the base URL or key is not one of a running trial`,
    )
  return { scope: { kind: 'trial', id: trial.trialId }, turn: trial.turn, attempt: trial.attempt, ownKey: true }
}

function sessionId(
  store: Store,
  sessions: Map<string, Promise<string>>,
  attribution: Extract<Attribution, { kind: 'session' }>,
  now: () => EpochMs,
): Promise<string> {
  const known = sessions.get(attribution.name)
  if (known !== undefined) return known
  const made = findOrMakeSession(store, attribution, now).catch((error: unknown) => {
    sessions.delete(attribution.name) // a full disk now is no reason to refuse the session later
    throw error
  })
  sessions.set(attribution.name, made)
  return made
}

async function findOrMakeSession(
  store: Store,
  attribution: Extract<Attribution, { kind: 'session' }>,
  now: () => EpochMs,
): Promise<string> {
  const [existing] = await store.list('sessions', { name: attribution.name })
  if (existing !== undefined) return existing.id
  const { name, source, agentSession } = attribution
  const session = { id: createUlid(), name, source, agentSession, startedAt: now() }
  await store.put('sessions', [session])
  return session.id
}
