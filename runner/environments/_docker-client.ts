// The connection to a Docker daemon (or Podman's compatible socket): found, checked, and asked. The only place that knows where it listens.
// Turns every refusal of the daemon into E_ENVIRONMENT_FAILED with what to do about it.

import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { TurnpikeError } from '../../core/errors.ts'

export interface Obstacle {
  readonly what: string
  readonly hint: string
}

/** Set by `connectDocker` for tests and by people who run several daemons; else DOCKER_HOST, then the usual sockets. */
export interface DockerPlace {
  readonly host: string | null
  readonly runtimeDirectory: string | null
}

/** Docker's own labels begin with a name of the maker; ours say whose a thing is, and when nobody's any more. */
export const labels = {
  made: 'turnpike',
  trial: 'turnpike.trial',
  run: 'turnpike.run',
  owner: 'turnpike.owner',
} as const

let place: DockerPlace = { host: null, runtimeDirectory: null }
let client: Promise<Docker> | null = null

/** Where to look for the daemon; from the environment variables of whoever wires the command. */
export function connectDocker(found: DockerPlace): void {
  place = found
  client = null
}

export function useDocker(): Promise<Docker> {
  client ??= findDocker().catch((error: unknown) => {
    client = null
    throw error
  })
  return client
}

/** Why Docker cannot be used here; null = it can. */
export async function probeDocker(): Promise<Obstacle | null> {
  try {
    await useDocker()
    return null
  } catch (error) {
    if (!(error instanceof TurnpikeError)) throw error
    return { what: error.message, hint: error.hint ?? 'start Docker' }
  }
}

async function findDocker(): Promise<Docker> {
  if (place.host !== null && !place.host.startsWith('unix://'))
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `DOCKER_HOST is ${place.host}, a daemon on another machine`, {
      hint: 'the proxy can only be reached by containers of this machine: use a unix:// socket, or unset DOCKER_HOST',
    })
  const sockets = listSockets()
  const refused: string[] = []
  for (const socketPath of sockets) {
    const exists = await access(socketPath, constants.F_OK).then(
      () => true,
      () => false,
    )
    if (!exists) continue
    // Loaded when first needed: most commands never speak to Docker.
    const { default: Client } = await import('dockerode')
    const docker = new Client({ socketPath })
    try {
      await docker.ping()
      return docker
    } catch (error) {
      refused.push(`${socketPath}: ${reasonOf(error)}`)
    }
  }
  if (refused.length === 0)
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `no Docker daemon listens at ${sockets.join(' or ')}`, {
      hint: 'install and start Docker (Debian: apt install docker.io, then service docker start), or use --env local',
    })
  const denied = refused.some(text => /EACCES|permission/i.test(text))
  throw new TurnpikeError('E_ENVIRONMENT_FAILED', `Docker does not answer: ${refused.join('; ')}`, {
    hint: denied ? 'add yourself to the group docker, or use rootless Docker' : 'start the daemon: service docker start',
  })
}

function listSockets(): string[] {
  if (place.host !== null) return [place.host.replace(/^unix:\/\//, '')]
  const own = place.runtimeDirectory
  return [
    '/var/run/docker.sock',
    ...(own === null ? [] : [join(own, 'docker.sock'), join(own, 'podman', 'podman.sock')]),
    '/run/podman/podman.sock',
  ]
}

export function reasonOf(error: unknown): string {
  const { json, message } = error as { json?: { message?: string }; message?: string }
  return json?.message ?? message ?? String(error)
}

export function statusOf(error: unknown): number | null {
  const { statusCode } = error as { statusCode?: unknown }
  return typeof statusCode === 'number' ? statusCode : null
}

/** The daemon or the container went away: not a mistake in what was asked, and another container may fare better. */
function isLost(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  if (['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE'].includes(String(code))) return true
  const status = statusOf(error)
  return (
    isContainerGone(error) || ((status === 404 || status === 409) && /is not running|marked for removal/.test(reasonOf(error)))
  )
}

/** In the words of Docker or of Podman; a path that is not there is a 404 as well, which the client calls "no such container". */
export const isContainerGone = (error: unknown): boolean =>
  statusOf(error) === 404 && /No such container:|no container with name or ID/.test(reasonOf(error))

/** The daemon's words for a user whom the container does not know. */
export const unknownUser = /unable to find user ([^:\s]+)/

/** Runs a request to the daemon; its refusal is a broken environment. */
export async function askDocker<T>(what: string, work: (docker: Docker) => Promise<T>): Promise<T> {
  const docker = await useDocker()
  try {
    return await work(docker)
  } catch (error) {
    if (error instanceof TurnpikeError) throw error
    throw new TurnpikeError('E_ENVIRONMENT_FAILED', `${what}: ${reasonOf(error)}`, { cause: error, details: detailsOf(error) })
  }
}

/** The daemon answers, but what it works with (containerd, its shims) does not: it may be back in a moment, or in a minute. */
const brokenLine = 'transport is closing|ttrpc: closed|connection (closed|error)'
const outageWords = new RegExp(`${brokenLine}|\\bunavailable\\b|deadline exceeded|connection (refused|reset)`, 'i')
const outageStart = new RegExp(`^(${brokenLine}|context deadline exceeded)`, 'i')

const isOutage = (error: unknown): boolean => (statusOf(error) ?? 0) >= 500 && outageWords.test(reasonOf(error))

/** The daemon's word in place of a command's output. */
export const isOutageWord = (said: string): boolean => outageStart.test(said.trim())

/** `lost`: asking again is of no use, only another container is; `outage`: what broke is the daemon, no matter how often it was asked. */
export function detailsOf(error: unknown): { readonly lost?: true; readonly outage?: true } {
  if (isLost(error)) return { lost: true }
  return isOutage(error) ? { outage: true } : {}
}

/** False is the daemon's word; no answer at all is none. */
export function hasImage(name: string): Promise<boolean> {
  return askDocker(`image ${name} cannot be looked for`, docker =>
    docker
      .getImage(name)
      .inspect()
      .then(
        () => true,
        (error: unknown) => {
          if (statusOf(error) === 404) return false
          throw error
        },
      ),
  )
}
