// What a run does when the place of a trial is taken away under it: its container, the copy a verifier works in, or the whole daemon is killed.
// No such trial is a zero: it ends as a failure of infrastructure, another one takes its cell, and nothing is left behind.
import { describe, expect, it } from 'vitest'
import type { Task } from '../../core/task.ts'
import { labels, useDocker } from '../../runner/environments/_docker-client.ts'
import { proxyPort } from '../../runner/environments/_docker-gate-image.ts'
import { dockerMissing } from '../docker.ts'
import { makeGate } from '../runner/_gate.ts'
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

  it('cannot be ended by what runs in it', async () => {
    const { run, store, read } = await openBench()
    const agent = script('kill -s TERM 1; kill -s INT 1; kill -s KILL 1; sleep 1; touch made; exit 3')
    const { trials } = await run({ tasks: [task('test -f made && exit 1')], agents: [agent], environment: 'docker' })
    expect((await read(trials[0]?.id ?? '')).states).toEqual(['agent-error'])
    expect(await store.list('trials')).toHaveLength(1)
  }, 120_000)
})
