// What lives in a container, by the daemon's word: no program in the container can deceive it, and it answers faster than a command would. Where it
// cannot tell (Podman's list is another, and kernels of their own number processes apart) this says so instead of guessing.

import type Docker from 'dockerode'
import { askDocker } from './_docker-client.ts'

export interface Living {
  /** As the daemon counts. */
  readonly pid: string
  readonly session: string
}

export interface Listed {
  /** The container's first process, which is among them. */
  readonly first: string
  readonly living: readonly Living[]
}

/** Null where the daemon cannot tell. */
export async function listLiving(container: Docker.Container): Promise<Listed | null> {
  const { State } = await container.inspect()
  const listed = await container.top({ ps_args: '-eo pid,sess,stat' }).catch(() => null)
  const titles: string[] = listed?.Titles ?? []
  if (titles.join() !== 'PID,SESS,STAT') return null
  const rows: string[][] = listed?.Processes ?? []
  const living = rows.flatMap(([pid = '', session = '', state = '']) => (/^[ZX]/.test(state) ? [] : [{ pid, session }]))
  const first = String(State.Pid)
  return living.some(({ pid }) => pid === first) ? { first, living } : null
}

/** `quiet` when all that lives is the first process and what it waits for: they share a session, which no other process can enter. */
export async function lookAlive(container: Docker.Container): Promise<'quiet' | 'alive' | 'unknown'> {
  const listed = await askDocker('the container is gone', () => listLiving(container))
  if (listed === null) return 'unknown'
  const { first, living } = listed
  return living.length <= 2 && living.every(({ session }) => session === first) ? 'quiet' : 'alive'
}
