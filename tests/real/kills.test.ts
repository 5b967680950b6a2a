// kill -9 of `turnpike run` at random moments of a run of twelve trials, `--resume` after each: the report in the end is that of a run nobody
// disturbed, and nothing is left on the machine. TURNPIKE_KILLS and TURNPIKE_KILLS_DOCKER set how often, TURNPIKE_SEED the moments.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { currentTrials } from '../../core/cells.ts'
import { labels, useDocker } from '../../runner/environments/_docker-client.ts'
import { findSurvivors } from '../../runner/survivors.ts'
import { dockerMissing } from '../docker.ts'
import { createRandom, listLeft, openStage, readEnd, type Stage, type Told } from './_kill-rig.ts'

const seed = Number(process.env['TURNPIKE_SEED'] ?? Date.now() % 1_000_000)
const rounds = [
  { environment: 'local', trials: 12, kills: Number(process.env['TURNPIKE_KILLS'] ?? 30), missing: null },
  { environment: 'docker', trials: 6, kills: Number(process.env['TURNPIKE_KILLS_DOCKER'] ?? 6), missing: dockerMissing },
] as const

for (const { environment, trials, kills, missing } of rounds)
  it.skipIf(missing !== null)(
    `${environment}: a run killed ${kills} times ends like one that was not (seed ${seed})`,
    async () => {
      const calm = openStage(environment)
      const undisturbed = await calm.start()
      await undisturbed.begun
      const startedAt = performance.now()
      expect(await undisturbed.ended, undisturbed.said()).toBe(1)
      const wholeMs = performance.now() - startedAt
      const { stages, moments } = await killAgainAndAgain(environment, kills, wholeMs)
      process.stdout.write(
        `${environment}: ${kills} kills of ${stages.length} run(s), seed ${seed}, undisturbed ${Math.round(wholeMs)} ms\n`,
      )
      process.stdout.write(`${moments.map(moment => `  ${moment}`).join('\n')}\n`)
      const expected = await readEnd(calm.store)
      expect(currentTrials(expected.trials)).toHaveLength(trials)
      // The agent that works by what its model says has really worked.
      if (environment === 'local') expect(JSON.stringify(expected.report.score.agents)).toContain('"agent":"mini"')
      const ends: Told[] = []
      for (const stage of stages) ends.push(await checkEnd(stage, expected, trials))
      const successors = ends.reduce((sum, end) => sum + end.trials.length - currentTrials(end.trials).length, 0)
      expect(successors, 'trials that a kill broke off').toBeGreaterThan(0)
      const continued = ends.flatMap(end => end.events).filter(event => event.type === 'trial-continued').length
      if (environment === 'local' && kills >= 10) expect(continued).toBeGreaterThan(0)
      process.stdout.write(
        `  ${successors} trials were broken off, ${continued} went on after a turn, the others from the first\n`,
      )
      for (const one of [calm, ...stages]) expect(listLeft(one)).toEqual([])
      for (const { id } of [expected, ...ends].flatMap(end => end.trials)) expect(findSurvivors(id, null)).toEqual([])
      if (environment === 'docker') await expectNoContainers([expected, ...ends].map(end => end.runId))
    },
    300_000 + kills * 60_000,
  )

/**
 * Each run is resumed after each kill. Some kills are meant for its last moments, so that one may end before it: that run has had its share, and
 * the kills that are still due hit another.
 */
async function killAgainAndAgain(environment: 'local' | 'docker', kills: number, wholeMs: number) {
  const random = createRandom(seed)
  const moments: string[] = []
  const stages: Stage[] = []
  while (moments.length < kills) {
    const stage = openStage(environment)
    stages.push(stage)
    moments.push(...(await killUntilOver(stage, kills - moments.length, random, wholeMs * Math.min(0.4, 2.5 / kills))))
  }
  return { stages, moments }
}

async function killUntilOver(stage: Stage, kills: number, random: () => number, longestMs: number): Promise<string[]> {
  const moments: string[] = []
  while (moments.length < kills) {
    const playing = await stage.start()
    const startedAt = performance.now()
    // Some die while they are still opening the store and sweeping; the first never, so that a kill breaks off a trial in any case.
    const isEarly = random() < 0.15 && moments.length > 0
    if (!isEarly) await playing.begun
    const pauseMs = random() * (isEarly ? 1_500 : longestMs)
    await sleep(pauseMs)
    playing.kill('SIGKILL')
    const code = await playing.ended
    if (code !== null) {
      expect(code, playing.said()).toBe(1)
      break
    }
    const since = Math.round(performance.now() - startedAt)
    moments.push(`after ${since} ms, ${Math.round(pauseMs)} ms ${isEarly ? 'from its start' : 'into its trials'}`)
  }
  return moments
}

/** Resumes the run for the last time: it must end like the one nobody disturbed. */
async function checkEnd(stage: Stage, expected: Told, trials: number): Promise<Told> {
  const last = await stage.start()
  expect(await last.ended, last.said()).toBe(1)
  const found = await readEnd(stage.store)
  expect(found.result).toEqual(expected.result)
  expect(found.badBodies).toEqual([])
  checkOnce(found, trials)
  // What was paid for twice is counted twice: never less than an undisturbed run paid.
  expect(found.report.costs.total.calls).toBeGreaterThanOrEqual(expected.report.costs.total.calls)
  return found
}

/** One trial counts per cell, each attempt is measured once in it, and what was kept is not played again. */
function checkOnce({ trials, events }: Told, planned: number): void {
  const current = currentTrials(trials)
  expect(new Set(current.map(trial => `${trial.taskId} ${trial.agent} ${trial.model} ${trial.index}`)).size).toBe(planned)
  expect(current).toHaveLength(planned)
  const dataOf = (type: string, trialId: string) =>
    events.filter(event => event.type === type && event.trialId === trialId).map(event => event.data as Record<string, number>)
  for (const { id } of current) {
    const kept = dataOf('trial-continued', id)[0]?.['turn'] ?? 0
    const played = dataOf('attempt-started', id).map(({ turn, attempt }) => `${turn} ${attempt}`)
    expect(new Set(played).size, 'an attempt was played twice').toBe(played.length)
    for (const at of dataOf('attempt-started', id)) expect(at['turn']).toBeGreaterThan(kept)
    const verified = dataOf('attempt-verified', id).map(({ turn, attempt }) => `${turn} ${attempt}`)
    expect(new Set(verified).size, 'an attempt was measured twice').toBe(verified.length)
  }
}

async function expectNoContainers(runIds: readonly string[]): Promise<void> {
  const docker = await useDocker()
  for (const runId of runIds) {
    const filters = { label: [`${labels.run}=${runId}`] }
    expect(await docker.listContainers({ all: true, filters })).toEqual([])
    expect(await docker.listImages({ all: true, filters })).toEqual([])
    expect(await docker.listNetworks({ filters })).toEqual([])
    expect((await docker.listVolumes({ filters })).Volumes ?? []).toEqual([])
  }
}
