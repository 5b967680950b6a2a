// Trial tokens: minted for the runner, resolved by the proxy on every request, revoked when the trial ends. Only hashes are
// stored, so a copied store opens no gate.

import { hash, randomBytes } from 'node:crypto'
import type { Store } from './_adapter.ts'
import type { Sqlite } from './database.ts'

/** 144 random bits in 24 URL-safe characters. */
export function createToken(): string {
  return `tp_${randomBytes(18).toString('base64url')}`
}

export function hashToken(token: string): Buffer {
  return Buffer.from(hash('sha256', token, 'hex'), 'hex')
}

type Resolved = NonNullable<Awaited<ReturnType<Store['resolveToken']>>>

export function createTokenReader(database: Sqlite): (token: string) => Resolved | null {
  const select = database.prepare(
    'SELECT trials.id AS trialId, run_id AS runId, turn, attempt FROM tokens JOIN trials ON trials.id = trial_id WHERE hash = ?',
  )
  return token => (select.get(hashToken(token)) as Resolved | undefined) ?? null
}
