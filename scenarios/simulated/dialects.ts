// Which provider a request was meant for: the list of simulated dialects, and the choice among them. Pure.

import type { Dialect } from './dialect.ts'
import { anthropicDialect } from './dialect-anthropic.ts'
import { bedrockConverseDialect, bedrockInvokeDialect } from './dialect-bedrock.ts'
import { geminiDialect } from './dialect-gemini.ts'
import { openaiDialect } from './dialect-openai.ts'
import { responsesDialect } from './dialect-responses.ts'

const dialects: readonly Dialect[] = [
  bedrockConverseDialect,
  bedrockInvokeDialect,
  anthropicDialect,
  geminiDialect,
  openaiDialect,
  responsesDialect,
]

/** The dialect of a call's protocol, or of the client that asked for something else. */
export function chooseDialect(protocol: string | null, headers: Readonly<Record<string, unknown>>, path: string): Dialect {
  const named = dialects.find(dialect => dialect.protocol === protocol)
  if (named !== undefined) return named
  if ('x-goog-api-key' in headers || /\/v1(?:beta|internal)(?:[/:]|$)/.test(path)) return geminiDialect
  const anthropic = 'anthropic-version' in headers || 'x-api-key' in headers || /\/messages(?:\/|$)/.test(path)
  return anthropic ? anthropicDialect : openaiDialect
}
