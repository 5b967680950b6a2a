// Tells a disk that is full from one that an agent has filled: an agent that fails must not turn its zero into a cell that does not count.

import { statfs } from 'node:fs/promises'
import { isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import { diskHogBytesMin } from '../../core/limits.ts'
import { runGroup } from '../processes.ts'

/** Does the work; when it finds no room and the trial's directory holds most of what there is, the trouble is blamed on the workspace. */
export async function blameHog<T>(root: string, work: () => Promise<T>, hogBytesMin = diskHogBytesMin): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!speaksOfFullDisk(error)) throw error
    const held = await measure(root)
    const { blocks, bsize } = await statfs(root)
    if (held < Math.min(hogBytesMin, (blocks * bsize) / 2)) throw error
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the disk is full, and the trial holds ${held} bytes of it`, {
      cause: error,
      details: { blame: 'workspace' },
    })
  }
}

function speaksOfFullDisk(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = 'code' in at ? at.code : null
    if (code === 'ENOSPC' || code === 'EDQUOT') return true
    if (isTurnpikeError(at) && /No space left on device|Disk quota exceeded/.test(at.message)) return true
  }
  return false
}

/** By the system's own program: a node of ours for every file would take longer than the copy. */
async function measure(directory: string): Promise<number> {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' }
  const { signal } = new AbortController()
  const argv = ['du', '-s', '-x', '-B1', '--', directory]
  const result = await runGroup({ argv, cwd: '/', env, timeoutMs: 60_000, signal, outputCharsMax: 4_000 })
  return Number.parseInt(result.stdout, 10) || 0
}
