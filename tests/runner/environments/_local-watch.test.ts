import { spawn } from 'node:child_process'
import { expect, it } from 'vitest'
import { watchProcesses } from '../../../runner/environments/_local-watch.ts'
import { findSurvivors, trialMark } from '../../../runner/survivors.ts'
import { atEnd, waitFor } from '../_sandbox.ts'

function startMany(trialId: string, count: number) {
  const script = `i=0; while [ $i -lt ${count} ]; do sleep 30 & i=$((i+1)); done; wait`
  const child = spawn('sh', ['-c', script], { env: { PATH: '/usr/bin:/bin', [trialMark]: trialId }, detached: true, stdio: 'ignore' })
  atEnd(() => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    } catch {
      // The watch has ended them.
    }
  })
}

it.skipIf(process.platform !== 'linux')('ends a trial that has more processes than it may, but for those that stand still', async () => {
  const trialId = `watch${process.pid}`
  const watch = watchProcesses(trialId, '/nowhere', new Set(), 20)
  startMany(trialId, 60)
  await waitFor(() => findSurvivors(trialId, null).length > 0)
  await waitFor(() => findSurvivors(trialId, null).length === 0)
  expect(watch.stop()).toBe(true)
})

it('leaves alone what is no more than it may be, however much others start', async () => {
  const [mine, other] = [`few${process.pid}`, `many${process.pid}`]
  const watch = watchProcesses(mine, '/nowhere', new Set(), 20)
  startMany(other, 40)
  startMany(mine, 5)
  await waitFor(() => findSurvivors(mine, null).length === 6 && findSurvivors(other, null).length === 41)
  await new Promise(resolve => setTimeout(resolve, 300))
  expect(watch.stop()).toBe(false)
  expect(findSurvivors(mine, null).length).toBe(6)
})
