// Takes away what trials have left: of trials that are named, and of Turnpikes that are no longer alive. Touches nothing without our label.

import { readFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { askDocker, labels, probeDocker, reasonOf, statusOf } from './_docker-client.ts'

/** `host/pid/start`: a process id alone comes round again. */
export function ownerName(): string {
  return `${hostname()}/${process.pid}/${readStart(process.pid) ?? ''}`
}

/** Start of a process in ticks since boot; null when it does not run. */
function readStart(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

export function isDead(owner: string): boolean {
  const [host, pid, start] = owner.split('/')
  return host === hostname() && readStart(Number(pid)) !== start
}

export async function removeLeftovers(trialIds: readonly string[]): Promise<void> {
  await removeDirectories(trialIds)
  if ((await probeDocker()) !== null) return
  await askDocker('what is left cannot be removed', async docker => {
    const containers = await docker.listContainers({ all: true, filters: { label: [labels.trial] } })
    // Podman keeps a gate as long as something stands behind it.
    const isGate = ({ Labels }: (typeof containers)[number]): number => Number(Labels[labels.made] === 'gate')
    for (const { Id, Labels } of containers.sort((one, other) => isGate(one) - isGate(other))) {
      const trialId = Labels[labels.trial] ?? ''
      if (!trialIds.includes(trialId) && !isDead(Labels[labels.owner] ?? '')) continue
      await takeAway(docker.getContainer(Id).remove({ force: true, v: true }))
      await removeDirectories([trialId])
    }
    // A copy belongs to the container that runs it; one without is a leftover, unless it is being made at this moment.
    const used = new Set((await docker.listContainers({ all: true })).map(container => container.ImageID))
    const copies = await docker.listImages({ filters: { label: [`${labels.made}=copy`] } })
    for (const { Id, Labels } of copies) {
      // Where the daemon died under the copy, its maker lives.
      const isLeft = trialIds.includes(Labels?.[labels.trial] ?? '') || isDead(Labels?.[labels.owner] ?? '')
      if (!used.has(Id) && isLeft) await takeAway(docker.getImage(Id).remove({ force: true }))
    }
  })
}

/** Another Turnpike may sweep at the same moment: what it has taken away, or is taking, is none of the trouble of this one. */
async function takeAway(removal: Promise<unknown>): Promise<void> {
  await removal.catch((error: unknown) => {
    const isGoing = statusOf(error) === 404 || (statusOf(error) === 409 && /in progress/.test(reasonOf(error)))
    if (!isGoing) throw error
  })
}

/** The sockets of the gate, copies of workspaces and homes that were on their way. */
async function removeDirectories(trialIds: readonly string[]): Promise<void> {
  const wanted = trialIds.filter(trialId => trialId !== '').map(trialId => `turnpike-${trialId}-`)
  for (const name of await readdir(tmpdir()))
    if (wanted.some(prefix => name.startsWith(prefix))) await rm(join(tmpdir(), name), { recursive: true, force: true })
}
