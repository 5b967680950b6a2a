// Files given to a conversion as pieces of work: recordings of other tools, a piece for each session, or trajectories, a piece for the file.

import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isTurnpikeError } from '../core/errors.ts'
import type { FileJob, Identify, TrajectoriesJob } from './job.ts'
import { readKnown } from './scope-facts.ts'
import type { ScopeInfo } from './source.ts'
import { openFileScopes } from './source-file.ts'
import { openTrajectoryFile } from './trajectory-files.ts'

export async function listFileJobs(
  file: string,
  directory: string,
  identify: Identify,
): Promise<Array<FileJob | TrajectoriesJob>> {
  const known = statSync(resolve(directory, file), { throwIfNoEntry: false })
  const bytes = known?.size ?? 0
  try {
    const scopes = await openFileScopes({ file, directory, format: 'auto', identify })
    return scopes.map(({ scope }, index) => ({
      kind: 'file',
      file,
      directory,
      index,
      scope,
      facts: readKnown(scope),
      calls: null,
      bytes: bytes / scopes.length,
    }))
  } catch (error) {
    // No recording that is known: perhaps it was converted before.
    if (!isTurnpikeError(error) || error.code !== 'E_USAGE') throw error
    const rows = await openTrajectoryFile(file, directory).catch(() => null)
    if (rows === null) throw error
    // Stands for scopes that are only known when the rows are read: nothing is said of them that could decide a selection.
    const scope: ScopeInfo = { kind: 'session', id: file, name: file, runId: null, task: null, agent: null, score: null }
    return [{ kind: 'trajectories', file, directory, scope, facts: {}, calls: null, bytes }]
  }
}
