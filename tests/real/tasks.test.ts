// The tasks that come with Turnpike, as anyone would play them: in containers, the reference solutions pass every turn, doing nothing passes
// none. Node's image is stood in for by the test image, which has it.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useDocker } from '../../runner/environments/_docker-client.ts'
import { prepareImage } from '../../runner/environments/_docker-images.ts'
import { loadTasks } from '../../runner/tasks/_all.ts'
import { dockerMissing, testImage } from '../docker.ts'
import { never } from '../runner/_sandbox.ts'
import { openBench } from '../runner/_tasks.ts'
import { removeImage } from './_task-images.ts'

const directory = fileURLToPath(new URL('../../configs/tasks', import.meta.url))
const nodeImage = 'node:22-bookworm-slim'

describe.skipIf(dockerMissing !== null)('the tasks that come with Turnpike', () => {
  let tagged = false
  beforeAll(async () => {
    const docker = await useDocker()
    tagged = await docker
      .getImage(nodeImage)
      .inspect()
      .then(
        () => false,
        () => true,
      )
    if (tagged) execFileSync('docker', ['tag', testImage, nodeImage])
  })
  afterAll(async () => {
    const docker = await useDocker()
    for (const task of (await loadTasks(directory)).tasks) {
      const name = await prepareImage(task.environment ?? null, null, never)
      await removeImage(docker, name)
    }
    if (tagged) execFileSync('docker', ['rmi', nodeImage], { stdio: 'pipe' })
  })

  it('have nothing to warn of, and five turns or more', async () => {
    const { tasks, warnings } = await loadTasks(directory)
    expect(warnings).toEqual([])
    expect(tasks.map(task => [task.id, task.turns.length])).toEqual([
      ['cache-js', 6],
      ['notes-sh', 5],
    ])
  })

  it('are solved by their solutions in every turn, and by nothing in none', { timeout: 240_000 }, async () => {
    const { tasks } = await loadTasks(directory)
    const bench = await openBench()
    const agents = ['oracle', 'nop'].map(id => ({ id, model: null }))
    const { trials } = await bench.run({ tasks, agents, environment: 'docker' })
    const rewards: Record<string, unknown[]> = {}
    for (const trial of trials) {
      expect([trial.name, trial.outcome]).toEqual([trial.name, { kind: 'finished', reason: null }])
      const told = bench.events.filter(event => event.type === 'attempt-verified' && event.trialId === trial.id)
      rewards[trial.name] = told.map(event => (event.data as { rewards: { reward: number } }).rewards.reward)
      const { attempts, tests } = await bench.read(trial.id)
      expect(attempts.every(attempt => attempt.testsTotal >= 5)).toBe(true)
      expect(tests.length).toBe(attempts.reduce((sum, attempt) => sum + attempt.testsTotal, 0))
    }
    expect(rewards).toEqual({
      'cache-js.oracle.1': [1, 1, 1, 1, 1, 1],
      'notes-sh.oracle.1': [1, 1, 1, 1, 1],
      'cache-js.nop.1': [0, 0, 0, 0, 0, 0],
      'notes-sh.nop.1': [0, 0, 0, 0, 0],
    })
  })
})
