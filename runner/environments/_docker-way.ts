// Room for what comes into a container of Podman, which writes through links that stand in the way, or fails. Docker makes room by itself.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { TurnpikeError } from '../../core/errors.ts'
import { askDocker } from './_docker-client.ts'
import { runScript } from './_docker-container.ts'
import { isPodman } from './_docker-engine.ts'

export interface Coming {
  /** Parents first. */
  readonly directories: readonly string[]
  readonly files: readonly string[]
}

/** Directories that are links or files, and files that are anything, make room. */
const clearScript = `cd -- "$1" || exit 1; shift
while [ $# -gt 0 ]; do
  kind=$1; path=./$2; shift 2
  if [ "$kind" = d ]; then { [ -L "$path" ] || [ ! -d "$path" ]; } && rm -rf -- "$path"; else rm -rf -- "$path"; fi
done; :`

/** Arguments of one command; kernels take two megabytes. */
const pathsPerScript = 1000

/** Paths are relative to the directory, which is there. */
export async function clearWay(
  container: Docker.Container,
  directory: string,
  coming: Coming | (() => Promise<Coming>),
): Promise<void> {
  if (!(await askDocker('the daemon does not say what it is', isPodman))) return
  const { directories, files } = typeof coming === 'function' ? await coming() : coming
  const all = [...directories.map(path => ['d', path] as const), ...files.map(path => ['f', path] as const)]
  for (let at = 0; at < all.length; at += pathsPerScript) {
    const { exit, stderr } = await runScript(container, clearScript, [directory, ...all.slice(at, at + pathsPerScript).flat()])
    if (exit !== 0) throw new TurnpikeError('E_ENVIRONMENT_FAILED', `files cannot be written to ${directory}: ${stderr.trim()}`)
  }
}

export async function listComing(root: string, below = ''): Promise<Coming> {
  const found = { directories: [] as string[], files: [] as string[] }
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (!entry.isDirectory()) found.files.push(path)
    else {
      const inside = await listComing(root, path)
      found.directories.push(path, ...inside.directories)
      found.files.push(...inside.files)
    }
  }
  return found
}
