// Places of this machine that variables name: the user's cache, and where a container daemon may listen. Looks at variables only.

import { homedir } from 'node:os'
import { join } from 'node:path'

/** `$XDG_CACHE_HOME` or `~/.cache`, and there a directory of Turnpike's own. */
export function cacheDirectory(environment: Readonly<Record<string, string | undefined>>, name: string): string {
  const cache = environment['XDG_CACHE_HOME'] || join(environment['HOME'] || homedir(), '.cache')
  return join(cache, 'turnpike', name)
}

export function placeDocker(environment: Readonly<Record<string, string | undefined>>) {
  return { host: environment['DOCKER_HOST'] || null, runtimeDirectory: environment['XDG_RUNTIME_DIR'] || null }
}
