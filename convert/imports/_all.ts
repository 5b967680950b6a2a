// Every format that can be imported, and which one a file is in; a test holds the list against the directory. The order decides between
// formats whose marks a file could both show.

import { TurnpikeError } from '../../core/errors.ts'
import type { FileStart, ImportFormat } from './_adapter.ts'
import capture from './capture.ts'
import claudeTrace from './claude-trace.ts'
import har from './har.ts'
import miniVela from './mini-vela.ts'
import raw from './raw.ts'

export const importFormats: readonly ImportFormat[] = [raw, har, capture, miniVela, claudeTrace]

const listed = importFormats.map(format => format.id).join(', ')

export function findImportFormat(id: string): ImportFormat {
  const format = importFormats.find(candidate => candidate.id === id)
  if (format === undefined)
    throw new TurnpikeError('E_FORMAT_UNKNOWN', `there is no import format ${id}`, { hint: `use one of: auto, ${listed}` })
  return format
}

export function detectImportFormat(start: FileStart, file: string): ImportFormat {
  const format = importFormats.find(candidate => candidate.matches(start))
  if (format !== undefined) return format
  const seen =
    start.keys === null
      ? 'it does not begin with a JSON object'
      : `its first fields are ${[...start.keys].slice(0, 6).join(', ')}`
  throw new TurnpikeError('E_FORMAT_UNKNOWN', `${file} is in none of the formats that can be imported: ${seen}`, {
    hint: `formats: ${listed}; name one with --format, or write JSON lines of the capture format (docs/import-export.md)`,
  })
}
