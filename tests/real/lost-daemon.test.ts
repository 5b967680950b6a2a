// kill -9 of the daemon, or of what keeps its containers, in the middle of a run of four trials. What it takes away is infrastructure, never an agent's
// zero: the same run goes on when the daemon is back, or `--resume` ends it, with the report of a run that nobody disturbed. The daemon is a private one.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { currentTrials } from '../../core/cells.ts'
import { labels, useDocker } from '../../runner/environments/_docker-client.ts'
import { listLeft, openStage, type Playing, readEnd, type Stage, type Told } from './_kill-rig.ts'
import { startDocker } from './_private-daemons.ts'

const daemon = await startDocker()
if (daemon === null)
  process.stderr.write('the death of a daemon is not played: no dockerd and containerd that this user may start\n')
// Makes the test image in the private daemon, which DOCKER_HOST names by now.
const missing = daemon === null ? 'no daemon' : (await import('../docker.ts')).dockerMissing

describe.skipIf(missing !== null)('a run whose daemon dies', () => {
  let calm: Told
  let wholeMs = 0

  it('is what it is compared with, as long as none dies', async () => {
    const stage = openStage('docker', 2)
    const playing = await stage.start()
    await playing.begun
    const startedAt = performance.now()
    expect(await playing.ended, playing.said()).toBe(1)
    wholeMs = performance.now() - startedAt
    calm = await readEnd(stage.store)
  }, 600_000)

  afterAll(async () => {
    await daemon?.stop()
  }, 60_000)

  /** What was measured is what an undisturbed run measured, once. */
  async function expectSame(stage: Stage): Promise<Told> {
    const told = await readEnd(stage.store)
    expect(told.result).toEqual(calm.result)
    expect(told.badBodies).toEqual([])
    expect(currentTrials(told.trials)).toHaveLength(4)
    expect(listLeft(stage)).toEqual([])
    const docker = await useDocker()
    const filters = { label: [`${labels.run}=${told.runId}`] }
    expect(await docker.listContainers({ all: true, filters })).toEqual([])
    expect(await docker.listImages({ all: true, filters })).toEqual([])
    return told
  }

  /** In the middle of its trials. */
  async function reachMiddle(playing: Playing): Promise<void> {
    await playing.begun
    await sleep(wholeMs * 0.35)
    expect(playing.isOver()).toBe(false)
  }

  const kindsOf = ({ trials }: Told) => trials.map(({ outcome }) => outcome?.kind)

  it.each(['dockerd', 'containerd'] as const)('goes on when %s is back', { timeout: 600_000 }, async name => {
    const stage = openStage('docker', 2)
    const playing = await stage.start()
    await reachMiddle(playing)
    await daemon?.kill(name)
    await sleep(3_000)
    await daemon?.start()
    const status = await playing.ended
    process.stdout.write(
      `${name}: ${playing
        .said()
        .split('\n')
        .filter(line => /retr|again|lost|warn/i.test(line))
        .slice(0, 12)
        .join('\n')}\n`,
    )
    expect(status, playing.said()).toBe(1)
    const told = await expectSame(stage)
    const lost = told.events.filter(event => event.type === 'place-lost')
    if (name === 'dockerd') expect(lost.length).toBeGreaterThan(0)
    expect(told.events.filter(event => event.type === 'trial-retried').length).toBeGreaterThanOrEqual(lost.length)
    expect(kindsOf(told).filter(kind => kind === 'environment-failed')).toHaveLength(told.trials.length - 4)
  })

  it('ends without it, and --resume finishes', { timeout: 600_000 }, async () => {
    const stage = openStage('docker', 2)
    const playing = await stage.start()
    await reachMiddle(playing)
    await daemon?.kill('dockerd')
    const startedAt = performance.now()
    expect(await playing.ended, playing.said()).toBe(1)
    process.stdout.write(`without its daemon the run ended after ${Math.round(performance.now() - startedAt)} ms\n`)
    const broken = currentTrials((await readEnd(stage.store)).trials)
    expect(broken.some(trial => trial.outcome?.kind === 'environment-failed')).toBe(true)
    expect(broken.every(trial => trial.outcome?.kind !== 'finished' || trial.endedAt !== null)).toBe(true)
    await daemon?.start()
    const again = await stage.start()
    expect(await again.ended, again.said()).toBe(1)
    await expectSame(stage)
  })

  it.each([1, 2])(
    'interrupted by %s SIGINT it stops, leaves nothing behind and can be resumed',
    { timeout: 600_000 },
    async times => {
      const stage = openStage('docker', 2)
      const playing = await stage.start()
      await reachMiddle(playing)
      const startedAt = performance.now()
      for (let at = 0; at < times; at++) {
        playing.kill('SIGINT')
        if (at === 0 && times > 1) await sleep(50)
      }
      expect(await playing.ended, playing.said()).toBe(130)
      process.stdout.write(`${times} SIGINT: ended after ${Math.round(performance.now() - startedAt)} ms\n`)
      if (times === 1) {
        expect(listLeft(stage)).toEqual([])
        const { runId } = await readEnd(stage.store)
        const filters = { label: [`${labels.run}=${runId}`] }
        expect(await (await useDocker()).listContainers({ all: true, filters })).toEqual([])
      }
      const again = await stage.start()
      expect(await again.ended, again.said()).toBe(1)
      await expectSame(stage)
    },
  )
})
