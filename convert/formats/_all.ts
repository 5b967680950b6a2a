// Every output format; a test holds this list against the directory.

import { TurnpikeError } from '../../core/errors.ts'
import type { OutputFormat } from './_adapter.ts'
import atif from './atif.ts'
import merged from './merged.ts'
import otel from './otel.ts'

export const formats: readonly OutputFormat[] = [atif, merged, otel]

export function findFormat(id: string): OutputFormat {
  const format = formats.find(format => format.id === id)
  if (format === undefined)
    throw new TurnpikeError('E_FORMAT_UNKNOWN', `there is no format ${id}`, {
      hint: `use one of: ${formats.map(format => format.id).join(', ')}`,
    })
  return format
}
