// Which engine answers at the socket, and what it cannot do on this machine.

import type Docker from 'dockerode'
import { askDocker } from './_docker-client.ts'

export interface Engine {
  readonly name: 'Docker' | 'Podman'
  readonly version: string
  readonly isRootless: boolean
  /** False: memory, processors and processes of a task are as many as the machine has, whatever the task says. */
  readonly keepsLimits: boolean
}

const known = new WeakMap<Docker, boolean>()

export async function isPodman(docker: Docker): Promise<boolean> {
  const found = known.get(docker)
  if (found !== undefined) return found
  const is = namesPodman(await docker.version())
  known.set(docker, is)
  return is
}

const namesPodman = ({ Components = [] }: Docker.DockerVersion): boolean =>
  Components.some(({ Name }) => Name === 'Podman Engine')

/** As the two answers that engines give about themselves tell it. */
export function describeEngine(version: Docker.DockerVersion, told: unknown): Engine {
  const info = told as { [key in (typeof facts)[number]]?: unknown }
  const options = Array.isArray(info.SecurityOptions) ? info.SecurityOptions : []
  const isRootless = info.Rootless === true || options.some(option => /^name=rootless/.test(String(option)))
  // Without privileges nobody can make a group of version 1; Podman claims that it could, and leaves the limits out.
  const canGroup = !isRootless || String(info.CgroupVersion) === '2'
  return {
    name: namesPodman(version) ? 'Podman' : 'Docker',
    version: version.Version,
    isRootless,
    keepsLimits: canGroup && info.MemoryLimit !== false && info.PidsLimit !== false,
  }
}

const facts = ['SecurityOptions', 'Rootless', 'CgroupVersion', 'MemoryLimit', 'PidsLimit'] as const

export const readEngine = (): Promise<Engine> =>
  askDocker('the daemon does not say what it is', async docker => describeEngine(await docker.version(), await docker.info()))
