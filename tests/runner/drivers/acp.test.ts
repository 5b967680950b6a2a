import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openRig } from './_rig.ts'

const next = { continues: true }

it('allows what it is asked to allow, whatever the order of the options', async () => {
  const rig = await openRig('acp')
  const reply = await rig.ask('write')
  expect(readFileSync(join(rig.environment.workspace, 'made.txt'), 'utf8')).toBe('yes')
  expect(reply.result?.stdout).toContain('[allowed] write made.txt')
})

it('goes on in another process after a death, where sessions can be loaded', async () => {
  const rig = await openRig('acp', { flags: ['load'] })
  await rig.ask('one')
  await rig.ask('die', next)
  const reply = await rig.ask('two', next)
  expect(reply).toMatchObject({ lost: null, result: { exit: 0 } })
  expect(reply.result?.stdout).toBe('heard: one, die, two')
  expect(rig.starts()).toBe(2)
})

it('says that a conversation is lost where they cannot, and begins another', async () => {
  const rig = await openRig('acp')
  await rig.ask('one')
  await rig.ask('die', next)
  const reply = await rig.ask('two', next)
  expect(reply.lost).toMatch(/no way to go on/)
  expect(reply.result?.stdout).toBe('heard: two')
})

it('ends after each request where nothing can be made to stand still, and goes on by loading', async () => {
  const rig = await openRig('acp', { flags: ['load'], restless: true })
  await rig.ask('one')
  expect(await rig.environment.endProcesses()).toBe(0)
  expect((await rig.ask('two', next)).result?.stdout).toBe('heard: one, two')
  expect(rig.starts()).toBe(2)
})

it('takes a time limit that is longer than any timer', async () => {
  const rig = await openRig('acp')
  expect((await rig.ask('one', { timeoutMs: 1e12 })).result).toMatchObject({ ended: 'exited', stdout: 'heard: one' })
})

it('does not wait for ever for one that never says hello', async () => {
  const rig = await openRig('acp', { flags: ['mute'] })
  const reply = await rig.ask('one', { timeoutMs: 300 })
  expect(reply.result?.ended).toBe('timed-out')
  expect(await rig.environment.endProcesses()).toBe(0)
})

it('is no agent that speaks something else', async () => {
  const rig = await openRig('acp', { argv: ['sh', '-c', 'echo hello; exec sleep 30'] })
  const reply = await rig.ask('one', { timeoutMs: 300 })
  expect(reply.result).toMatchObject({ ended: 'timed-out' })
  expect(reply.result?.stdout).toContain('hello')
})
