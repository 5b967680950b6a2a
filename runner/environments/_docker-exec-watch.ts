// Whether the daemon still knows what became of a command. When containerd dies and comes back, the end of a command may be told to nobody: its stream
// stays open and it counts as running for ever. Beside _docker-exec.ts; says nothing of a command whose process lives.

import type Docker from 'dockerode'
import { listLiving } from './_docker-processes.ts'

export interface ExecWatch {
  /** Resolves when the command is lost; never otherwise. */
  readonly lost: Promise<'lost'>
  readonly stop: () => void
}

export interface WatchTimes {
  readonly firstMs: number
  /** Of the pauses between looks, which double. */
  readonly maxMs: number
}

/** A look costs the daemon a `ps`: the longer a command lasts, the less a few seconds matter. */
const usualTimes: WatchTimes = { firstMs: 5_000, maxMs: 30_000 }

export function watchExec(exec: Docker.Exec, container: Docker.Container, times = usualTimes): ExecWatch {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const lost = new Promise<'lost'>(resolve => {
    let suspicions = 0
    const look = async (pauseMs: number): Promise<void> => {
      suspicions = (await isAstray(exec, container)) ? suspicions + 1 : 0
      // One that ends just now looks the same for a moment.
      if (suspicions > 1) resolve('lost')
      else plan(suspicions > 0 ? Math.min(pauseMs, times.firstMs) : Math.min(pauseMs * 2, times.maxMs))
    }
    const plan = (pauseMs: number): void => {
      if (!isOver) timer = setTimeout(() => void look(pauseMs), pauseMs)
    }
    plan(times.firstMs)
  })
  const stop = (): void => {
    isOver = true
    clearTimeout(timer)
  }
  return { lost, stop }
}

/** It runs by the daemon's word, and is none of the container's processes. A daemon that is away, or cannot list them, says nothing. */
async function isAstray(exec: Docker.Exec, container: Docker.Container): Promise<boolean> {
  try {
    const { Running, Pid } = await exec.inspect()
    if (!Running || !Pid) return false
    const listed = await listLiving(container)
    return listed !== null && !listed.living.some(({ pid }) => pid === String(Pid))
  } catch {
    return false
  }
}
