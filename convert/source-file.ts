// Scopes straight from files, without a store: raw logs of mini-vela line by line, everything else through the import readers, each
// request kept in its pieces. What cannot be read is reported with its line, and the rest is read on.

import { isTurnpikeError, TurnpikeError } from '../core/errors.ts'
import { type ImportFile, openImportFile } from './import-records.ts'
import type { ImportOptions } from './import-sessions.ts'
import { importFormats } from './imports/_all.ts'
import { indexLog, type LogLine } from './log-lines.ts'
import type { ScopeInfo, SourceCall, SourceScope, Undecodable } from './source.ts'
import { readLogCalls } from './source-log.ts'
import { readImportedSessions } from './source-records.ts'

export interface FileSourceOptions extends Pick<ImportOptions, 'directory' | 'identify'> {
  readonly file: string
  /** An id of an import format, or `auto`. */
  readonly format: string
}

/** One scope for each session of the file, in the order in which they begin. */
export async function openFileScopes(options: FileSourceOptions): Promise<readonly SourceScope[]> {
  const file = await openFile(options)
  if (file.format.id === 'mini-vela') return openLog(file)
  const sessions = await readImportedSessions(file, options)
  return [...sessions].map(([name, calls]) => ({
    scope: describeSession(name),
    async *calls() {
      yield* calls
    },
  }))
}

async function openFile({ file, directory, format }: FileSourceOptions): Promise<ImportFile> {
  try {
    return await openImportFile(file, directory, format)
  } catch (error) {
    if (!isTurnpikeError(error) || error.code !== 'E_FORMAT_UNKNOWN') throw error
    throw new TurnpikeError('E_USAGE', error.message, {
      hint: `files that can be converted: ${importFormats.map(one => `${one.id} (${one.title})`).join(', ')}`,
      cause: error,
    })
  }
}

async function openLog({ source }: ImportFile): Promise<SourceScope[]> {
  const { sessions, strays } = await indexLog(source)
  // Lines of no session are reported with the first one.
  const scopes = sessions.size === 0 ? [['unknown', []] as const] : [...sessions]
  return scopes.map(([name, lines], at) => {
    const own: readonly LogLine[] = at === 0 ? [...lines, ...strays] : lines
    return { scope: describeSession(name), calls: (): AsyncIterable<SourceCall | Undecodable> => readLogCalls(source, own) }
  })
}

function describeSession(name: string): ScopeInfo {
  return { kind: 'session', id: name, name, runId: null, task: null, agent: null, score: null }
}
