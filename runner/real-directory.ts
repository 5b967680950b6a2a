// Directories of this machine that receive what an agent has left: nothing is written through a link on the way. The environment `local` has its own
// (environments/_local-trees.ts), which opens what was locked as well.

import { lstat, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The path below the root, made of directories alone: what stands in the way of one, a link among them, is removed. `made`: paths below the root
 * that were looked at before and are not looked at again.
 */
export async function makeRealDirectory(root: string, path: string, made = new Set<string>()): Promise<string> {
  let at = root
  let inside = ''
  for (const part of path.split('/').filter(part => part !== '' && part !== '.')) {
    at = join(at, part)
    inside = inside === '' ? part : `${inside}/${part}`
    if (made.has(inside)) continue
    made.add(inside)
    const found = await lstat(at).catch(() => null)
    if (found?.isDirectory() === true) continue
    await rm(at, { recursive: true, force: true })
    await mkdir(at)
  }
  return at
}
