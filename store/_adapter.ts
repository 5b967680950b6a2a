// The contract of the ledger. Everything durable goes through it; SQLite implements it today and the same tests will hold for
// any other engine, so every member is asynchronous. Writers resolve only when what they wrote is committed.

import type {
  AttemptRecord,
  Call,
  Check,
  EpochMs,
  Exchange,
  ExchangeOutcome,
  HeaderList,
  PartOf,
  Run,
  RunEvent,
  Scope,
  ScoreRecord,
  Session,
  TestResult,
  Trial,
  TurnRecord,
  Verdict,
} from '../core/types.ts'

/** What is known when a request has arrived whole. Header values, path and query come already masked; the body does not. */
export interface ExchangeBegin {
  readonly id: string
  readonly scope: Scope
  readonly turn: number | null
  readonly attempt: number | null
  readonly protocol: string | null
  readonly route: string | null
  readonly method: string
  readonly path: string
  readonly query: string
  readonly requestHeaders: HeaderList
  /** The bytes as the agent sent them (content-encoding still applied). Copied at the end of the tick: do not change them; forwarding them is fine. */
  readonly requestBody: Uint8Array
  readonly startedAt: EpochMs
  /** Known secret strings to mask wherever they occur in either body of this exchange. */
  readonly secrets: readonly string[]
  readonly partOf?: PartOf
}

export interface ExchangeEnd {
  readonly status: number | null
  readonly responseHeaders: HeaderList | null
  readonly outcome: Exclude<ExchangeOutcome, 'in-flight' | 'proxy-killed'>
  readonly failure: Exchange['failure']
  readonly providerRequestId: string | null
  readonly retries: number
  readonly firstByteAt: EpochMs | null
  readonly endedAt: EpochMs
}

/** The hot path: two awaits per exchange, never per byte. */
export interface Recorder {
  /** Resolves when the request is committed; rejects with E_RECORD_FAILED when it cannot be. */
  readonly begin: (begin: ExchangeBegin) => Promise<void>
  /**
   * What is known once the response head has arrived. Optional, writes nothing by itself: it lets a killed proxy leave status and
   * headers, and tells the background saves whether the bytes are compressed (those that may hide a secret are not saved before they
   * have been searched).
   */
  readonly head: (id: string, head: Pick<ExchangeEnd, 'status' | 'responseHeaders' | 'providerRequestId' | 'firstByteAt'>) => void
  /** Response bytes as they arrived. Saved in the background so that a killed proxy leaves what had arrived. Do not change `bytes` before the exchange has ended; forwarding them is fine. */
  readonly append: (id: string, bytes: Uint8Array, at: EpochMs) => void
  /** Commits what has been appended so far, with the exchange still open: a stream may release its terminal event after this. */
  readonly checkpoint: (id: string, soFar: ExchangeEnd) => Promise<void>
  /** Resolves when the whole exchange is committed. After a rejection it may be tried again: nothing that arrived is lost meanwhile. */
  readonly end: (id: string, end: ExchangeEnd) => Promise<void>
  /** Bytes handed over that are not worked off yet: a recorder that falls behind must slow its sources down, not pile up memory. */
  readonly pendingBytes: () => number
}

/** Rows that are plain data. Key columns in store/nouns.ts. */
export interface Nouns {
  readonly sessions: Session
  readonly runs: Run
  readonly trials: Trial
  readonly turns: TurnRecord
  readonly attempts: AttemptRecord
  readonly tests: TestResult
  readonly events: RunEvent
  readonly calls: Call
  readonly scores: ScoreRecord
  readonly checks: Check
  readonly verdicts: Verdict
}

export type Ref = { readonly kind: 'run' | 'trial' | 'session' | 'exchange'; readonly id: string; readonly name: string }

export interface ExchangeFilter {
  readonly scopeId?: string
  readonly runId?: string
  readonly id?: string
  readonly turn?: number
  readonly attempt?: number
  /** Only exchanges that have no `calls` row of at least this decoder version. */
  readonly undecodedBy?: number
  /** Parts of other exchanges as well: they are left out unless they are asked for, here, by `partOf` or by `id`. */
  readonly parts?: boolean
  /** Only the parts of this exchange. */
  readonly partOf?: string
}

/** A masked range of a body: [start, length] in bytes. The stored bytes hold `*` there. */
export type MaskedRange = readonly [start: number, length: number]

export interface StoredBody {
  /** The exact bytes, secrets replaced by `*` of the same length. */
  readonly bytes: Buffer
  /** SHA-256 (hex) of the bytes as sent, and of the bytes as stored; equal unless something was masked. */
  readonly sentSha256: string
  readonly storedSha256: string
  readonly masked: readonly MaskedRange[]
  /** Set when masking had to undo a content-encoding: the stored bytes are the decoded ones. */
  readonly decodedFrom: string | null
}

/** A request body as the parts it is stored in. Most cuts lie between elements of its long lists, and what two bodies share has equal ids. */
export interface RequestPieces {
  /** In order; the bytes of all of them, joined, are the stored body. Do not change it. */
  readonly ids: Uint32Array
  /** As in StoredBody. */
  readonly decodedFrom: string | null
}

/** Arrival of response bytes: `bytes` more had arrived `at`. */
export interface Arrival {
  readonly at: EpochMs
  readonly bytes: number
}

export interface VerifyReport {
  readonly exchanges: number
  readonly pieces: number
  /** Bytes of all bodies as sent. */
  readonly bytesRaw: number
  /** Bytes of the store's files on disk. */
  readonly bytesStored: number
  readonly bad: ReadonlyArray<{ readonly exchange: string | null; readonly what: string }>
}

export interface Store {
  readonly directory: string
  readonly recorder: Recorder
  /** Inserts or replaces by key; resolves when committed. */
  readonly put: <K extends keyof Nouns>(noun: K, rows: readonly Nouns[K][]) => Promise<void>
  /** Rows whose columns equal `where`, in the order they were first written. */
  readonly list: <K extends keyof Nouns>(noun: K, where?: Partial<Nouns[K]>) => Promise<Nouns[K][]>
  /** Exchanges in order of arrival. */
  readonly exchanges: (filter: ExchangeFilter) => Promise<Exchange[]>
  readonly readBody: (exchangeId: string, side: 'request' | 'response') => Promise<StoredBody | null>
  /** What `readBody` would join: for readers that know most of it already. */
  readonly readRequestPieces: (exchangeId: string) => Promise<RequestPieces>
  /** Bytes of a piece. Do not change them. */
  readonly readPiece: (id: number) => Promise<Buffer>
  readonly readArrivals: (exchangeId: string) => Promise<Arrival[]>
  /** A run, trial, session or exchange by id, unique id prefix (4+ characters) or name; `latest` is the newest run. Throws E_REF_UNKNOWN or E_REF_AMBIGUOUS. */
  readonly resolveRef: (ref: string) => Promise<Ref>
  /** A new short-lived secret that stands for the trial; only its hash is stored. */
  readonly mintToken: (trialId: string) => Promise<string>
  readonly revokeTokens: (trialId: string) => Promise<void>
  /** Which trial, and where it stands now; null for an unknown or revoked token. Called on every request of a trial. */
  readonly resolveToken: (token: string) => Promise<{
    readonly trialId: string
    readonly runId: string
    readonly turn: number | null
    readonly attempt: number | null
  } | null>
  /** Re-derives every hash from what reading gives back. */
  readonly verify: (ref?: Ref, onProgress?: (done: number, total: number) => void) => Promise<VerifyReport>
  /** Packs what is still loose, checkpoints, closes. Pending writes are committed first. */
  readonly close: () => Promise<void>
}

export interface OpenOptions {
  /** True: open for reading only; a missing store is E_STORE_UNREADABLE instead of being made. */
  readonly readOnly?: boolean
  /** `process` (default): commits survive a killed process. `power`: each commit is also synced to the disk. */
  readonly durability?: 'process' | 'power'
}
