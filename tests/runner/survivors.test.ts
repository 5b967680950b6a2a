import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { endSurvivors, findSurvivors, trialMark } from '../../runner/survivors.ts'
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

  it('costs nothing to speak of when there are none', async () => {
    const startedAt = performance.now()
    expect(await endSurvivors('trial-none', '/nowhere')).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(500)
  })
})
