// A container whose own files may take up only so much room, where the daemon can limit that (overlay2 on xfs with project quotas, btrfs,
// zfs). Where it cannot, the container is made all the same: docs/environments.md says so, and Harbor's own Docker backend never limits it.

import type Docker from 'dockerode'

/** By daemon: asking again would fail the same way for every trial. */
const unlimited = new WeakSet<Docker>()

export async function createLimited(
  docker: Docker,
  storageMb: number | null,
  options: Docker.ContainerCreateOptions,
): Promise<Docker.Container> {
  if (storageMb === null || unlimited.has(docker)) return docker.createContainer(options)
  const HostConfig = { ...options.HostConfig, StorageOpt: { size: `${storageMb}m` } }
  try {
    return await docker.createContainer({ ...options, HostConfig })
  } catch (error) {
    if (!(error instanceof Error && /storage[- ]?opt|pquota|quota/i.test(error.message))) throw error
    unlimited.add(docker)
    return docker.createContainer(options)
  }
}
