// The contract of a format that recordings leave in: exchanges one at a time, with their bytes, into a file or a directory that is
// given. Never holds more than one exchange; never writes a secret (the store has none). _all.ts lists the formats.

import type { Exchange } from '../../core/types.ts'
import type { Arrival, StoredBody } from '../../store/_adapter.ts'

/** A body as it is stored, or as scrubbing left it. */
export type ExportedBody = Pick<StoredBody, 'bytes' | 'sentSha256' | 'masked' | 'decodedFrom'>

export interface ExportedExchange {
  /** Name of the session or trial it belongs to. */
  readonly scopeName: string
  readonly exchange: Exchange
  readonly request: ExportedBody | null
  readonly response: ExportedBody | null
  readonly arrivals: readonly Arrival[]
  /** Every text in it was replaced by filler. */
  readonly scrubbed: boolean
}

export interface OutputFile {
  readonly write: (data: string | Uint8Array) => Promise<void>
  readonly close: () => Promise<void>
}

export interface ExportTarget {
  /** A file by its name in the directory, or with '' the one file of a format that writes one. */
  readonly openFile: (name: string, options?: { readonly executable?: boolean }) => Promise<OutputFile>
  readonly version: string
}

export interface ExportFormat {
  /** The file's name. */
  readonly id: string
  readonly title: string
  readonly writes: 'file' | 'directory'
  /** What a reader will not find; null when it has everything the store has. */
  readonly loses: string | null
  /** Returns how many it wrote; what it cannot hold is left out. */
  readonly write: (exchanges: AsyncIterable<ExportedExchange>, target: ExportTarget) => Promise<number>
}
