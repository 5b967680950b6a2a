// What a run does when the place of a trial is taken away under it: its container, the copy a verifier works in, or the whole daemon is killed.
// No such trial is a zero: it ends as a failure of infrastructure, another one takes its cell, and nothing is left behind.
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Task } from '../../core/task.ts'
import { labels, useDocker } from '../../runner/environments/_docker-client.ts'
import { proxyPort } from '../../runner/environments/_docker-gate-image.ts'
import { prepareImage } from '../../runner/environments/_docker-images.ts'
import { dockerMissing, testImage } from '../docker.ts'
import { makeGate } from '../runner/_gate.ts'
import { atEnd, makeDirectory, never, waitFor } from '../runner/_sandbox.ts'
import { openBench, script } from '../runner/_tasks.ts'

const wait = (url: string) => `node -e 'require("http").get("${url}",r=>r.resume()).on("error",()=>process.exit(1))'`
const task = (verify: string): Task => ({
  id: 'place',
  title: 'Place',
  files: {},
  turns: [
    {
      index: 1,
      instruction: 'make it',
      verifier: { files: {}, command: ['sh', '-c', verify], timeoutMs: 60_000 },
      solution: null,
      timeoutMs: 60_000,
    },
  ],
  source: { file: 'f', line: 1 },
})

/** The container of a run that was made last, gates left out. */
async function findNewest(runId: string) {
  const docker = await useDocker()
  const all = await docker.listContainers({ filters: { label: [`${labels.run}=${runId}`] } })
  const places = all.filter(one => one.Labels[labels.made] !== 'gate')
  const newest = places.sort((one, other) => other.Created - one.Created)[0]
  return { docker, container: docker.getContainer(newest?.Id ?? ''), count: places.length }
}

describe.skipIf(dockerMissing !== null)('a container', () => {
  it('that its agent has broken as root is no lost place: it has failed, and the trial counts', async () => {
    const [turn] = task('test -f made').turns
    if (turn === undefined) throw new Error('no turn')
    const two = { ...task(''), turns: [turn, { ...turn, index: 2 }] }
    const { run, read } = await openBench()
    const breaks = 'touch made; rm /bin/sh; kill -9 $PPID'
    const { trials } = await run({ tasks: [two], agents: [script(breaks)], environment: 'docker', freshSession: true })
    expect(trials.map(trial => trial.outcome?.kind)).toEqual(['agent-failed'])
    expect((await read(trials[0]?.id ?? '')).states).not.toContain('infra-error')
  }, 120_000)

  it.each([
    { who: 'agent', agent: `${wait('{base_url}/')}; touch made`, verify: 'test -f made', places: 1 },
    { who: 'verifier', agent: 'touch made', verify: `${wait(`http://127.0.0.1:${proxyPort}/`)}; test -f made`, places: 2 },
  ])(
    'that is killed under the $who ends the trial as infrastructure, and another takes its cell',
    async lost => {
      const { run, store, read, events } = await openBench()
      const gate = await makeGate()
      const running = run({ tasks: [task(lost.verify)], agents: [script(lost.agent)], environment: 'docker', proxyUrl: gate.url })
      await gate.reached()
      const [row] = await store.list('runs')
      const { docker, container, count } = await findNewest(row?.id ?? '')
      expect(count).toBe(lost.places)
      await container.kill()
      gate.open()
      const { trials, run: ended } = await running
      const all = await store.list('trials')
      expect(all.map(trial => trial.outcome?.kind)).toEqual(['environment-failed', 'finished'])
      expect(all[0]?.outcome?.reason).toMatch(/container has ended under the trial|No such container|is not running/)
      expect((await read(all[0]?.id ?? '')).states).toEqual(['infra-error'])
      expect((await read(trials[0]?.id ?? '')).states).toEqual(['passed'])
      expect(ended.state).toBe('finished')
      const told = events.map(event => event.type)
      expect(told).toContain('place-lost')
      expect(told.filter(type => type === 'trial-retried')).toHaveLength(1)
      // Asking a container that is gone again would only take time.
      expect(told).not.toContain('environment-retried')
      expect(await docker.listContainers({ all: true, filters: { label: [`${labels.run}=${ended.id}`] } })).toEqual([])
      expect(await docker.listImages({ all: true, filters: { label: [`${labels.run}=${ended.id}`] } })).toEqual([])
    },
    240_000,
  )

  it('that dies under an agent that is talked to is noticed at once, not at the limit of its turn', async () => {
    const context = makeDirectory()
    copyFileSync(fileURLToPath(new URL('../runner/drivers/_fake-agent.mjs', import.meta.url)), join(context, 'fake.mjs'))
    writeFileSync(join(context, 'gemini'), '#!/bin/sh\nexec node /fake.mjs acp\n', { mode: 0o755 })
    writeFileSync(join(context, 'Dockerfile'), `FROM ${testImage}\nCOPY fake.mjs /fake.mjs\nCOPY gemini /usr/bin/gemini\n`)
    const image = { kind: 'build', context, dockerfile: 'Dockerfile' } as const
    const built = await prepareImage({ image } as never, null, never)
    atEnd(async () => (await useDocker()).getImage(built).remove({ force: true }))
    const { run, store, events } = await openBench()
    const stop = new AbortController()
    const place = { ...{ image, cpus: null, memoryMb: null, storageMb: null, env: {}, workdir: null, healthcheck: null } }
    const environment = { ...place, network: { mode: 'proxy', hosts: [] } as const, buildTimeoutMs: 60_000 }
    const [turn] = task('false').turns
    if (turn === undefined) throw new Error('no turn')
    const served = { ...task('false'), environment, turns: [{ ...turn, instruction: 'hang', timeoutMs: 600_000 }] }
    const agents = [{ id: 'gemini-cli', model: 'm', driver: 'acp' as const }]
    const running = run({ tasks: [served], agents, environment: 'docker', signal: stop.signal })
    await waitFor(() => events.some(event => event.type === 'attempt-started'), 120_000)
    const [row] = await store.list('runs')
    const { container } = await findNewest(row?.id ?? '')
    const started = async () => (await container.top()).Processes.some((line: string[]) => line.join(' ').includes('fake.mjs'))
    while (!(await started())) await new Promise(resolve => setTimeout(resolve, 100))
    const killedAt = performance.now()
    await container.kill()
    await waitFor(() => events.some(event => event.type === 'trial-retried'), 60_000)
    expect(performance.now() - killedAt).toBeLessThan(45_000)
    stop.abort()
    await running
    const [first] = await store.list('trials')
    expect(first?.outcome?.kind).toBe('environment-failed')
    expect(events.map(event => event.type)).toContain('place-lost')
  }, 240_000)

  it('cannot be ended by what runs in it', async () => {
    const { run, store, read } = await openBench()
    const agent = script('kill -s TERM 1; kill -s INT 1; kill -s KILL 1; sleep 1; touch made; exit 3')
    const { trials } = await run({ tasks: [task('test -f made && exit 1')], agents: [agent], environment: 'docker' })
    expect((await read(trials[0]?.id ?? '')).states).toEqual(['agent-error'])
    expect(await store.list('trials')).toHaveLength(1)
  }, 120_000)
})
