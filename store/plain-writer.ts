// Writes plain rows and trial tokens. Runs in the writer thread's transaction.

import type { Nouns } from './_adapter.ts'
import type { Sqlite, Statement } from './database.ts'
import { writeUpsert } from './nouns.ts'
import type { WriterMessage } from './writer-messages.ts'

export type PlainMessage = Extract<WriterMessage, { kind: 'put' | 'mint' | 'revoke' | 'close' }>

export function createPlainWriter(database: Sqlite): (message: PlainMessage) => void {
  const upserts = new Map<keyof Nouns, Statement>()
  const mint = database.prepare('INSERT INTO tokens (hash, trial_id) VALUES (?, ?)')
  const revoke = database.prepare('DELETE FROM tokens WHERE trial_id = ?')
  return message => {
    if (message.kind === 'mint') mint.run(Buffer.from(message.hash, 'hex'), message.trialId)
    else if (message.kind === 'revoke') revoke.run(message.trialId)
    else if (message.kind === 'put') {
      const statement = upserts.get(message.noun) ?? database.prepare(writeUpsert(message.noun))
      upserts.set(message.noun, statement)
      for (const row of message.rows) statement.run(...row)
    }
  }
}
