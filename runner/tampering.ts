// Did the agent replace programs of the system that a verifier runs? Compares what the environment says is replaced with what it said before. Reports
// only: who may be root in a container may also mend it, and an upgrade of a package looks the same.

import type { Environment } from './environments/_adapter.ts'

export interface TamperWatch {
  /** Paths that were replaced since the watch last looked. */
  readonly inspect: () => Promise<readonly string[]>
}

/** Looks once: what a task's own set-up has replaced until now is no agent's doing. */
export async function createTamperWatch(environment: Pick<Environment, 'listReplaced'>): Promise<TamperWatch> {
  const known = new Set<string>()
  const inspect = async (): Promise<readonly string[]> => {
    const fresh = ((await environment.listReplaced?.()) ?? []).filter(path => !known.has(path))
    for (const path of fresh) known.add(path)
    return fresh
  }
  await inspect()
  return { inspect }
}
