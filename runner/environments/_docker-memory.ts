// What the kernel has ended in a container for want of memory. Read where the kernel counts it, on this machine: nothing inside can change it, it costs
// no command in the container, and a daemon tells of its first process only.

import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import type { ExecResult } from '../processes.ts'
import { askDocker } from './_docker-client.ts'

export interface MemoryWatch {
  /** Adds how many processes were ended since this was last asked of the container; nothing where the counter cannot be read. */
  readonly noteKills: (container: Docker.Container, result: ExecResult) => Promise<ExecResult>
}

/** Looks at nothing without a limit: then memory is the machine's, and its want nobody's in particular. */
export function createMemoryWatch(isLimited: boolean): MemoryWatch {
  const known = new Map<string, { readonly file: string | null; seen: number }>()
  return {
    noteKills: async (container, result) => {
      if (!isLimited) return result
      const counter = known.get(container.id) ?? { file: await findCounter(container), seen: 0 }
      known.set(container.id, counter)
      const count = counter.file === null ? 0 : await readKills(counter.file)
      const since = count < counter.seen ? count : count - counter.seen
      counter.seen = count
      return since === 0 ? result : { ...result, memoryKills: since }
    },
  }
}

const groupRoot = '/sys/fs/cgroup'

/** The file with the counter of the group that the container's first process is in. */
async function findCounter(container: Docker.Container): Promise<string | null> {
  const { State } = await askDocker('the container is gone', () => container.inspect())
  const text = await readFile(`/proc/${State.Pid}/cgroup`, 'utf8').catch(() => '')
  return counterOf(text)
}

/** Version 1 has a tree for each resource, version 2 one for all; where both are mounted, memory is in the first. */
export function counterOf(groups: string): string | null {
  const lines = groups.split('\n').map(line => /^\d+:([^:]*):(\/.*)$/.exec(line))
  const first = lines.find(line => line?.[1]?.split(',').includes('memory'))
  if (first) return `${groupRoot}/memory${first[2]}/memory.oom_control`
  const second = lines.find(line => line?.[1] === '')
  return second ? `${groupRoot}${second[2]}/memory.events` : null
}

async function readKills(file: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
}
