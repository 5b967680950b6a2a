// Every output format; a test holds this list against the directory.

import { TurnpikeError } from '../../core/errors.ts'
import type { OutputFormat } from './_adapter.ts'
import anthropic from './anthropic.ts'
import atif from './atif.ts'
import merged from './merged.ts'
import openai from './openai.ts'
import otel from './otel.ts'
import sharegpt from './sharegpt.ts'
import trl from './trl.ts'
import trlPrompt from './trl-prompt.ts'

export const formats: readonly OutputFormat[] = [merged, atif, openai, anthropic, sharegpt, trl, trlPrompt, otel]

export function findFormat(id: string): OutputFormat {
  const format = formats.find(format => format.id === id)
  if (format === undefined)
    throw new TurnpikeError('E_FORMAT_UNKNOWN', `there is no format ${id}`, {
      hint: `use one of: ${formats.map(format => format.id).join(', ')}`,
    })
  return format
}
