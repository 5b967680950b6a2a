// Files of each trial below its run, where tools that read Harbor's result trees look for them: <trial>/agent/trajectory.json.
// Written when the agents are gone, so that no trial waits for it.

import { join } from 'node:path'
import { writeTrialTrajectory } from '../convert/trial-trajectory.ts'
import type { Trial } from '../core/types.ts'
import type { Store } from '../store/_adapter.ts'
import { writeResult } from './result-files.ts'

/** Gives back the files it wrote; a trial in which no model answered has none. */
export async function writeTrialFiles(store: Store, runId: string, directory: string): Promise<string[]> {
  const written: string[] = []
  for (const trial of await store.list('trials', { runId })) {
    const trajectory = await writeTrialTrajectory(store, trial.id)
    if (trajectory === null) continue
    const folder = join(directory, nameFolder(trial), 'agent')
    const file = join(folder, 'trajectory.json')
    for (const [path, bytes] of trajectory.images) await writeResult(join(folder, path), bytes)
    await writeResult(file, trajectory.document)
    written.push(file)
  }
  return written
}

/** The trial's name; with its id where a path cannot hold the name as it is, so that two trials never share a folder. */
function nameFolder({ id, name }: Trial): string {
  const safe = name.replaceAll(/[^A-Za-z0-9._-]/g, '_')
  return safe === name ? name : `${safe}-${id}`
}
