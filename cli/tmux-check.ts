// Whether this machine has the tmux that the agent `terminus` works through in the local environment. Looks only; containers have
// their own.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { refuseVersion } from '../runner/terminus/tmux.ts'

const advice = 'install tmux 3.2 or newer, if the agent terminus is to work in the local environment'

export async function checkTmux(path: string | undefined) {
  const env = { PATH: path ?? '/usr/local/bin:/usr/bin:/bin' }
  const found = await promisify(execFile)('tmux', ['-V'], { env, timeout: 10_000 }).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  )
  if (found === null) return { name: 'tmux', state: 'warn' as const, found: 'not found', advice }
  if (refuseVersion(found) !== null) return { name: 'tmux', state: 'warn' as const, found: `${found} is too old`, advice }
  return { name: 'tmux', state: 'ok' as const, found, advice: null }
}
