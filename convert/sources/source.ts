// Where calls come from: scopes of a store, or files of other recorders. The contract between what reads (source-*.ts) and what
// builds trees (load.ts); a source gives each call once, and of a request only what an earlier one has not given already.

import type { DecodedCall } from '../decode.ts'

/** What a trial or session is about; null where it is not known. */
export interface ScopeInfo {
  readonly kind: 'trial' | 'session'
  readonly id: string
  readonly name: string
  readonly runId: string | null
  readonly task: string | null
  readonly agent: { readonly name: string; readonly version: string | null } | null
  /** Share of turns passed, of a scored trial. */
  readonly score: number | null
}

/**
 * A decoded call whose request begins with that of an earlier call of the same source: `conversation.messages` holds only what follows the
 * first `messages` messages of `callId`, which were equal byte for byte. Null: `conversation.messages` is the whole request.
 */
export interface SourceCall extends DecodedCall {
  readonly continues: { readonly callId: string; readonly messages: number } | null
  /** From the `calls` rows, where the call was decoded and priced before. */
  readonly costNanoUsd: number | null
}

export interface Undecodable {
  readonly exchangeId: string
  readonly reason: string
}

export interface SourceScope {
  readonly scope: ScopeInfo
  /** In the source's own order, which means nothing. `continues` always names a call given before. */
  readonly calls: () => AsyncIterable<SourceCall | Undecodable>
}
