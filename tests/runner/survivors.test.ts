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
    const found = findSurvivors('trial-c', null).map(id => {
      const [, state = '', parent] = /\) (\w) (\d+)/.exec(readFileSync(`/proc/${id}/stat`, 'latin1')) ?? []
      return { id, state, parent: Number(parent) }
    })
    expect(frozen.size).toBeGreaterThan(0)
    // D: who waits for a child that was stopped before it could start its program.
    const waits = (id: number): boolean => found.some(child => child.parent === id && child.state === 'T')
    expect(found.filter(({ id, state }) => !['T', 'Z'].includes(state) && !(state === 'D' && waits(id)))).toEqual([])
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

  it('does not wait for who cannot hear the signal before a stopped child has started its program', {
    timeout: 60_000,
  }, async () => {
    const shell = start(['sh', '-c', 'while :; do /bin/true; done'], { [trialMark]: 'trial-d' })
    const frozen = new Set<number>()
    // A shell that lends its memory to its children is caught like this once in twenty times.
    for (let round = 0, caught = 0; round < 300 && caught < 3; round++) {
      await freezeProcesses('trial-d', null, frozen)
      if (readFileSync(`/proc/${shell}/stat`, 'latin1').includes(') D ')) caught++
      thawProcesses(frozen)
      await pause(round % 5)
    }
    expect(await endSurvivors('trial-d', null)).toBeGreaterThan(0)
  })

  it('are none where nothing was started', async () => {
    expect(await endSurvivors('trial-none', '/nowhere')).toBe(0)
  })
})
