// Which session an imported exchange belongs to. A file is read to its end for it once, which also checks every record: a file with one
// session takes the file's name, one with several is split by the agent's own session ids.

import { basename } from 'node:path'
import type { HeaderList } from '../core/types.ts'
import { type ImportFile, readRecords } from './import-records.ts'
import type { ImportedExchange } from './imports/_adapter.ts'

/** What the way a request was addressed says about it; the proxy reads the same. */
export interface Identity {
  /** Without attribution prefix. */
  readonly path: string
  readonly query: string
  /** The session it was sent to, or the agent's own. */
  readonly session: string | null
  readonly agentSession: string | null
  /** Keys and tokens it presents. */
  readonly secrets: readonly string[]
}

export interface ImportOptions {
  /** As messages and session names have them; relative ones are looked for in `directory`. */
  readonly files: readonly string[]
  readonly directory: string
  /** An id, or `auto`. */
  readonly format: string
  /** All of it into this session. */
  readonly name: string | null
  readonly skipBad: boolean
  readonly identify: (url: string, headers: HeaderList) => Identity
  readonly signal?: AbortSignal
  readonly onProgress?: (file: string, exchanges: number) => void
}

export interface SessionNames {
  readonly nameOf: (exchange: ImportedExchange, identity: Identity) => string
}

export async function nameSessions(
  file: ImportFile,
  options: Pick<ImportOptions, 'name' | 'skipBad' | 'identify'>,
): Promise<SessionNames> {
  const ownNames = new Set<string>()
  for await (const { exchanges } of readRecords(file, { skipBad: options.skipBad, onSkip: () => {} }))
    for (const exchange of exchanges) {
      const { session } = options.identify(exchange.url, exchange.requestHeaders)
      if (session !== null) ownNames.add(session)
    }
  const { name } = options
  if (name !== null) return { nameOf: () => name }
  const fileName = nameFile(file.source.file)
  return {
    nameOf: (exchange, identity) => exchange.session ?? (ownNames.size > 1 ? (identity.session ?? fileName) : fileName),
  }
}

/** `logs/claude.jsonl.gz` -> `claude`. */
export function nameFile(file: string): string {
  const name = basename(file.replace(/\/+$/, '').replace(/\/index\.jsonl$/, '')).replace(/\.gz$/, '')
  return name.replace(/\.(jsonl|ndjson|json|har)$/, '') || name
}
