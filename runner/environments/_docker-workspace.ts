// The workspace of a container as its agent has left it: put back where it is gone, measured before it is copied, and looked at for programs of the
// system that the agent has replaced. What an agent does to its place is told from what goes wrong with the place.

import type Docker from 'dockerode'
import { isTurnpikeError, TurnpikeError } from '../../core/errors.ts'
import { containerBytesMax, diskHogBytesMin } from '../../core/limits.ts'
import type { TaskEnvironment } from '../../core/task.ts'
import { askDocker, labels, unknownUser } from './_docker-client.ts'
import { readText } from './_docker-files.ts'

/** A workspace that its agent has removed or locked is an empty or an open one: its work counts as what is left of it. */
export const ensureScript = `owner=$1; path=$2
[ -d "$path" ] || rm -rf -- "$path"
mkdir -p -- "$path" && chown "$owner" "$path" && chmod u+rwx "$path"`

/** Throws, and blames the agent: a file of holes that takes no room here takes all of it in a copy. */
export async function refuseOversize(container: Docker.Container, place: TaskEnvironment | null): Promise<void> {
  const written = await measureWritten(container)
  const limit = place?.storageMb ? place.storageMb * 1024 ** 2 : containerBytesMax
  if (written <= limit) return
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${written} bytes were written in the container, more than ${limit}`, {
    hint: place?.storageMb ? 'storage_mb of the task is the limit' : 'set storage_mb in the task if it needs more',
    details: { blame: 'workspace' },
  })
}

/** Rethrows what went wrong with a copy; where the disk is full of what this container wrote, the agent is to blame. */
export async function blameHog(container: Docker.Container, error: unknown): Promise<never> {
  if (!isTurnpikeError(error) || !/no space left on device|disk quota exceeded/i.test(error.message)) throw error
  const written = await measureWritten(container)
  if (written < diskHogBytesMin) throw error
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `the disk is full, and the container has written ${written} bytes`, {
    cause: error,
    details: { blame: 'workspace' },
  })
}

/** Bytes that the container has and its image has not; holes count as if they were filled. */
async function measureWritten(container: Docker.Container): Promise<number> {
  const found: { readonly SizeRw?: number } & object = await askDocker('the size of the container cannot be read', () =>
    container.inspect({ size: true } as Docker.ContainerInspectOptions),
  )
  return found.SizeRw ?? 0
}

/** Kinds of a change as Docker counts them. */
const added = 1

/** Directories of programs and libraries, and what is read before a program begins. */
const programPath = /^\/(usr\/(local\/)?)?(s?bin|lib(exec|32|64)?)\//
const startFile =
  /^\/etc\/(ld\.so\.preload|environment|profile|bash\.bashrc|zsh\/\w+)$|^\/(usr|opt)\/.*\/(sitecustomize|usercustomize)\.py$/

interface Change {
  readonly Path: string
  readonly Kind: number
}

async function listChanges(container: Docker.Container): Promise<readonly Change[]> {
  const changes = await askDocker('the changes of the container cannot be read', () => container.changes())
  return (changes ?? []) as readonly Change[]
}

/** The list of users, where the image knows the one who is missing and the container does not any more: who never was is the task's mistake. */
export async function listLostUsers(container: Docker.Container, said: string): Promise<string[]> {
  const user = unknownUser.exec(said)?.[1]
  const list = '/etc/passwd'
  if (user === undefined || !(await listChanges(container)).some(({ Path }) => Path === list)) return []
  const untouched = await askDocker('the image cannot be looked into', async docker => {
    const { Image, Config } = await container.inspect()
    return docker.createContainer({ Image, Cmd: ['true'], Labels: { ...Config.Labels, [labels.made]: 'copy' } })
  })
  try {
    const text = (await readText(untouched, list, 1024 ** 2))?.text ?? ''
    return text.split('\n').some(line => line.startsWith(`${user}:`)) ? [list] : []
  } finally {
    await untouched.remove({ force: true }).catch(() => undefined)
  }
}

/** Paths that the image has too and that are not what they were, or that decide what a program does before it begins. */
export async function listReplaced(container: Docker.Container): Promise<string[]> {
  const list = await listChanges(container)
  // A directory is "changed" when something in it is.
  const parents = new Set(list.map(({ Path }) => Path.slice(0, Path.lastIndexOf('/'))))
  return list
    .filter(({ Path, Kind }) => {
      if (startFile.test(Path)) return true
      return Kind !== added && programPath.test(Path) && !Path.includes('/__pycache__') && !parents.has(Path)
    })
    .map(({ Path }) => Path)
    .sort()
}
