import { expect, it } from 'vitest'
import { openRig } from './_rig.ts'

const next = { continues: true }

it('starts a process per request and continues by the session it read', async () => {
  const rig = await openRig('process')
  const first = await rig.ask('one')
  expect(first.session).toMatch(/^s\d+$/)
  const second = await rig.ask('two', next)
  expect(second).toMatchObject({ session: first.session, lost: null })
  expect(second.result?.stdout).toContain('heard: one, two')
  expect(rig.starts()).toBe(2)
})

it('leaves nothing running after a request', async () => {
  const rig = await openRig('process')
  await rig.ask('tick')
  expect(await rig.environment.endProcesses()).toBe(0)
})

it('begins anew, and says so, after a process that was ended before it named its session', async () => {
  const rig = await openRig('process')
  const late = await rig.ask('silent', { timeoutMs: 300 })
  expect(late).toMatchObject({ session: null, result: { ended: 'timed-out' } })
  const reply = await rig.ask('two', next)
  expect(reply.lost).toMatch(/before it had named its session/)
  expect(reply.result?.stdout).toContain('heard: two')
  expect((await rig.ask('three', next)).lost).toBeNull()
})

it('goes on after a death by the session that was named', async () => {
  const rig = await openRig('process')
  await rig.ask('one')
  expect((await rig.ask('die', next)).result?.exit).toBe(3)
  expect((await rig.ask('two', next)).result?.stdout).toContain('heard: one, die, two')
})
