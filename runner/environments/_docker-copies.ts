// Copies of a trial's container, in which its turns are verified. One can be begun while the container is only read; it is used once and removed
// behind the trial's back. Whatever changes the container must say so, or a verifier would see what no longer is.

import type Docker from 'dockerode'
import type { TaskEnvironment } from '../../core/task.ts'
import { type ContainerWish, copyContainer } from './_docker-container.ts'
import { blameHog, refuseOversize } from './_docker-workspace.ts'

export interface Copy {
  readonly container: Docker.Container
}

export interface Copies {
  /** The container as it is now; nothing in it may be running. */
  begin(): void
  /** Takes back what was begun: the container changes. */
  forget(): void
  /** What was begun, or one made now. Throws, with the agent to blame, where what it left cannot be copied. */
  use<T>(work: (copy: Copy) => Promise<T>): Promise<T>
  /** Throws when a copy could not be removed. */
  close(): Promise<void>
}

interface Made extends Copy {
  readonly remove: () => Promise<void>
}

export interface CopySource {
  readonly docker: Docker
  readonly container: Docker.Container
  readonly wish: Omit<ContainerWish, 'image'> & { readonly place: TaskEnvironment | null }
}

export function createCopies({ docker, container, wish }: CopySource): Copies {
  let begun: Promise<Made> | null = null
  const removals = new Set<Promise<void>>()
  const failures: unknown[] = []

  const make = async (): Promise<Made> => {
    await refuseOversize(container, wish.place)
    return copyContainer(docker, container, wish).catch((error: unknown) => blameHog(container, error))
  }

  const putAway = (copy: Made): void => {
    const removal = copy
      .remove()
      .catch((error: unknown) => void failures.push(error))
      .finally(() => removals.delete(removal))
    removals.add(removal)
  }

  const forget = (): void => {
    const unused = begun
    begun = null
    if (unused === null) return
    const removal: Promise<void> = unused.then(putAway, () => undefined).finally(() => removals.delete(removal))
    removals.add(removal)
  }

  return {
    begin: () => {
      forget()
      begun = make()
      // Told to whoever uses it.
      begun.catch(() => undefined)
    },
    forget,
    use: async work => {
      const taken = begun ?? make()
      begun = null
      const copy = await taken
      try {
        return await work(copy)
      } finally {
        putAway(copy)
      }
    },
    close: async () => {
      forget()
      while (removals.size > 0) await Promise.all(removals)
      if (failures.length > 0) throw failures[0]
    },
  }
}
