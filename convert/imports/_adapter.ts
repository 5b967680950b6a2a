// The contract of a format that recordings of others come in: one record of a file as the exchanges it holds. Pure but for files that
// lie beside the one read. An adapter invents nothing: what the format does not hold is null, and `loses` says so in words.
// _all.ts lists the formats; tests/conformance/imports.test.ts runs over them.

import type { EpochMs, Exchange, HeaderList, JsonObject } from '../../core/types.ts'
import type { Arrival, ExchangeEnd } from '../../store/_adapter.ts'
import type { Place } from './_fields.ts'

/** An exchange as a file holds it: nothing masked, the address as the agent called it (an attribution prefix may still be on it). */
export interface ImportedExchange {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly requestHeaders: HeaderList
  readonly requestBody: Uint8Array
  readonly status: number | null
  readonly responseHeaders: HeaderList | null
  readonly responseBody: Uint8Array | null
  /** When which bytes of the answer arrived; null when the format does not say. */
  readonly arrivals: readonly Arrival[] | null
  /** `closed-early`: the client hung up; whether the answer had ended decides what that was. */
  readonly outcome: ExchangeEnd['outcome'] | 'closed-early'
  readonly failure: Exchange['failure']
  readonly startedAt: EpochMs
  readonly firstByteAt: EpochMs | null
  readonly endedAt: EpochMs
  /** The session as the format names it; null: the agent's own session header decides. */
  readonly session: string | null
  /** Only what Turnpike itself wrote knows these. */
  readonly recorded: RecordedFacts | null
}

export interface RecordedFacts {
  /** The exchange's own id: coming back to the store it came from adds nothing. */
  readonly id: string | null
  readonly turn: number | null
  readonly attempt: number | null
  readonly route: string | null
  readonly retries: number
}

/** Well formed, but no exchange of its own. */
export interface SkippedRecord {
  readonly skipped: string
}

export interface FileStart {
  /** Names of the fields of the file's first JSON object, as far as its first bytes show them; null when it does not begin with one. */
  readonly keys: ReadonlySet<string> | null
  /** Fields of the objects directly within it. */
  readonly innerKeys: ReadonlySet<string>
}

/** Reads the records of one file in order; made anew for each file, so it may remember. */
export type RecordReader = (
  record: JsonObject,
  place: Place,
) => readonly ImportedExchange[] | SkippedRecord | Promise<readonly ImportedExchange[] | SkippedRecord>

export interface ImportFormat {
  /** The file's name, and the word after `import:` in the route of what it brings. */
  readonly id: string
  readonly title: string
  /** What an exchange of this format does not have that a recorded one has; null when nothing is missing. */
  readonly loses: string | null
  /** One JSON object a line, or the elements of `log.entries` of one JSON document. */
  readonly records: 'lines' | 'har-entries'
  readonly matches: (start: FileStart) => boolean
  /** `directory` is where the file lies, for formats of several files. */
  readonly openReader: (directory: string) => RecordReader
}
