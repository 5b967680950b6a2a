import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import local from '../../../runner/environments/local.ts'
import { findSurvivors, trialMark } from '../../../runner/survivors.ts'
import { atEnd, never, openLocal, plainSpec, waitFor } from '../_sandbox.ts'

it('says that the environment is broken when its directory is gone, not that the command failed', async () => {
  const environment = await openLocal()
  rmSync(dirname(environment.workspace), { recursive: true })
  await expect(environment.exec(['true'], { timeoutMs: 1_000, signal: never })).rejects.toMatchObject({
    code: 'E_ENVIRONMENT_FAILED',
  })
  await expect(environment.keep('passed')).rejects.toMatchObject({ code: 'E_ENVIRONMENT_FAILED' })
})

it('uses the search path it was given', async () => {
  const environment = await local.open(plainSpec(`path${process.pid}`, '/nowhere:/usr/bin:/bin'), never)
  atEnd(() => environment.close())
  const { stdout } = await environment.exec(['sh', '-c', 'echo $PATH'], { timeoutMs: 5_000, signal: never })
  expect(stdout).toBe('/nowhere:/usr/bin:/bin\n')
})

it('sweeps away what a killed Turnpike left of a trial', async () => {
  const trialId = `swept${process.pid}`
  const environment = await local.open(plainSpec(trialId), never)
  const child = spawn('sleep', ['60'], { env: { PATH: '/usr/bin:/bin', [trialMark]: trialId }, stdio: 'ignore' })
  atEnd(() => child.kill('SIGKILL'))
  await waitFor(() => findSurvivors(trialId, null).length === 1)
  await local.sweep([trialId])
  expect(existsSync(dirname(environment.workspace))).toBe(false)
  expect(findSurvivors(trialId, null)).toEqual([])
})
