// Containers of Podman keep the same promises: a service of this test's own, its socket named by DOCKER_HOST. `DOCKER_HOST=… npm run test:real` plays
// everything else against another engine as well.
import { afterAll, describe, expect, it } from 'vitest'
import { checkContainers } from '../../cli/doctor-checks.ts'
import type { NetworkPolicy } from '../../core/task.ts'
import { labels, useDocker } from '../../runner/environments/_docker-client.ts'
import { ownerName } from '../../runner/environments/_docker-reaper.ts'
import docker from '../../runner/environments/docker.ts'
import { keepPromises } from '../conformance/_environments.ts'
import { atEnd, never, plainSpec } from '../runner/_sandbox.ts'
import { startPodman } from './_private-daemons.ts'

const daemon = await startPodman()
if (daemon === null) process.stderr.write('Podman is not tested: it is not installed, or this user is not root\n')
const missing = daemon === null ? 'no podman' : (await import('../docker.ts')).dockerMissing

describe.skipIf(missing !== null)('environment docker by Podman', () => {
  afterAll(async () => {
    const client = await useDocker()
    const left = await client.listContainers({ all: true, filters: { label: [`${labels.owner}=${ownerName()}`] } })
    const copies = await client.listImages({ filters: { label: [`${labels.made}=copy`] } })
    await daemon?.stop()
    expect(left.map(container => container.Names)).toEqual([])
    expect(copies.map(copy => copy.RepoTags)).toEqual([])
  }, 60_000)

  keepPromises(docker)

  it('is called by its name by turnpike doctor', async () => {
    expect(await checkContainers(process.env)).toMatchObject({ state: 'ok', found: expect.stringMatching(/^Podman \d+\.\d+/) })
  })

  it('changes the network of a place that is open, to all and back', async () => {
    const environment = await docker.open(plainSpec(`podman${process.pid}`), never)
    atEnd(() => environment.close())
    const routes = async () => {
      const { stdout } = await environment.exec(['cat', '/proc/net/route'], { timeoutMs: 20_000, signal: never })
      return stdout.trim().split('\n').length - 1
    }
    const set = (mode: NetworkPolicy['mode']) => environment.setNetwork({ mode, hosts: [] })
    expect(await routes()).toBe(0)
    await set('public')
    expect(await routes()).toBeGreaterThan(0)
    await set('proxy')
    expect(await routes()).toBe(0)
  })

  it('counts what the kernel ends for want of memory', async () => {
    const place = {
      ...{ image: null, cpus: null, memoryMb: 64, storageMb: null, network: { mode: 'none', hosts: [] } as const },
      ...{ env: {}, workdir: null, healthcheck: null, buildTimeoutMs: 60_000 },
    }
    const environment = await docker.open({ ...plainSpec(`podmanmemory${process.pid}`), place }, never)
    atEnd(() => environment.close())
    const eat = 'node -e "const a=[];for(;;)a.push(Buffer.alloc(8e6,1))"; exit 1'
    const result = await environment.exec(['sh', '-c', eat], { timeoutMs: 60_000, signal: never })
    expect(result).toMatchObject({ exit: 1, memoryKills: 1 })
  })
})
