// Where what can be made again is kept between runs: the user's cache. Looks at variables only.

import { homedir } from 'node:os'
import { join } from 'node:path'

/** `$XDG_CACHE_HOME` or `~/.cache`, and there a directory of Turnpike's own. */
export function cacheDirectory(environment: Readonly<Record<string, string | undefined>>, name: string): string {
  const cache = environment['XDG_CACHE_HOME'] || join(environment['HOME'] || homedir(), '.cache')
  return join(cache, 'turnpike', name)
}
