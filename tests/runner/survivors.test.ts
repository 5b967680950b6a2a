import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pause } from '../../runner/processes.ts'
import { endSurvivors, findSurvivors, freezeProcesses, thawProcesses, trialMark } from '../../runner/survivors.ts'
import { atEnd, isAlive, makeDirectory, waitFor } from './_sandbox.ts'

const linux = process.platform === 'linux'

function start(argv: readonly string[], env: Record<string, string>, cwd = '/'): number {
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    env: { PATH: '/usr/bin:/bin', ...env },
    cwd,
    detached: true,
    stdio: 'ignore',
  })
  atEnd(() => child.kill('SIGKILL'))
  return child.pid ?? 0
}

describe.skipIf(!linux)('processes that a trial left behind', () => {
  it('finds them by their mark or their directory, and nobody else', async () => {
    const directory = makeDirectory()
    const marked = start(['sleep', '60'], { [trialMark]: 'trial-a' })
    const inside = start(['sleep', '60'], {}, directory)
    const other = start(['sleep', '60'], { [trialMark]: 'trial-ab' })
    await waitFor(() => findSurvivors('trial-a', directory).length === 2)
    expect(findSurvivors('trial-a', directory).sort()).toEqual([marked, inside].sort())
    expect(findSurvivors('trial-a', null)).toEqual([marked])
    expect(await endSurvivors('trial-a', directory)).toBe(2)
    expect(findSurvivors('trial-a', directory)).toEqual([])
    expect(isAlive(other)).toBe(true)
  })

  it('kills what ignores SIGTERM and forks while it is hunted', async () => {
    const script = 'trap "" TERM; n=0; while [ $n -lt 400 ]; do sleep 0.02 & n=$((n+1)); sleep 0.01; done'
    start(['sh', '-c', script], { [trialMark]: 'trial-b' })
    await waitFor(() => findSurvivors('trial-b', null).length > 1)
    expect(await endSurvivors('trial-b', null)).toBeGreaterThan(0)
    expect(findSurvivors('trial-b', null)).toEqual([])
  })

  it('stops all that the trial has and lets it go on, also what starts others meanwhile', async () => {
    const directory = makeDirectory()
    const script = 'while :; do sleep 0.01 & echo x >> ticks; done'
    start(['sh', '-c', script], { [trialMark]: 'trial-c' }, directory)
    const size = (): number => (existsSync(join(directory, 'ticks')) ? statSync(join(directory, 'ticks')).size : 0)
    await waitFor(() => size() > 20)
    const frozen = new Set<number>()
    await freezeProcesses('trial-c', null, frozen)
    const states = (): string[] =>
      findSurvivors('trial-c', null).map(id => /\) (\w)/.exec(readFileSync(`/proc/${id}/stat`, 'latin1'))?.[1] ?? '')
    expect(frozen.size).toBeGreaterThan(0)
    expect(states().filter(state => state !== 'T' && state !== 'Z')).toEqual([])
    const before = size()
    await pause(200)
    expect(size()).toBe(before)
    expect(await endSurvivors('trial-c', null, frozen)).toBe(0)
    thawProcesses(frozen)
    expect(frozen.size).toBe(0)
    await waitFor(() => size() > before)
    // What stands still ends as well as what does not.
    await freezeProcesses('trial-c', null, frozen)
    await endSurvivors('trial-c', null)
    expect(findSurvivors('trial-c', null)).toEqual([])
  })

  it('costs nothing to speak of when there are none', async () => {
    const startedAt = performance.now()
    expect(await endSurvivors('trial-none', '/nowhere')).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(500)
  })
})
