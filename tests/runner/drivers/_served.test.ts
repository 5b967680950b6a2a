// Both drivers that keep one process for all requests make the same promises; what differs stands in acp.test.ts and stream-json.test.ts.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { never, waitFor } from '../_sandbox.ts'
import { openRig } from './_rig.ts'

const next = { continues: true }

describe.each(['acp', 'stream-json'] as const)('%s', driver => {
  it('asks one process request after request, and begins anew when told to', async () => {
    const rig = await openRig(driver)
    expect((await rig.ask('one')).result).toMatchObject({ ended: 'exited', exit: 0, stderr: '' })
    const second = await rig.ask('two', next)
    expect(second.result?.stdout).toContain('heard: one, two')
    expect(second.lost).toBeNull()
    expect(rig.starts()).toBe(1)
    const fresh = await rig.ask('three')
    expect(fresh.result?.stdout).toContain('heard: three')
    expect(fresh.lost).toBeNull()
    expect(rig.starts()).toBe(2)
  })

  it('takes a failure it is told of for a result, and goes on in the same process', async () => {
    const rig = await openRig(driver)
    await rig.ask('one')
    const failed = await rig.ask('fail', next)
    expect(failed.result).toMatchObject({ ended: 'exited', exit: 1 })
    expect(failed.result?.stderr).not.toBe('')
    expect((await rig.ask('two', next)).result?.exit).toBe(0)
  })

  it('takes a death for a result', async () => {
    const rig = await openRig(driver)
    const reply = await rig.ask('die')
    expect(reply.result).toMatchObject({ ended: 'exited', exit: 3 })
    expect(reply.result?.stderr).toContain('ended before it had answered')
  })

  it('does not mistake garbage for a message, and keeps it', async () => {
    const rig = await openRig(driver)
    const reply = await rig.ask('garbage')
    expect(reply.result).toMatchObject({ ended: 'exited', exit: 0 })
    expect(reply.result?.stdout).toMatch(/Loading…[\s\S]*heard: garbage/)
  })

  it('asks it to stop at the time limit, and goes on with it when it did', async () => {
    const rig = await openRig(driver)
    await rig.ask('one')
    const late = await rig.ask('hang', { continues: true, timeoutMs: 300 })
    expect(late.result).toMatchObject({ ended: 'timed-out', exit: null, stderr: 'stopped on request' })
    const after = await rig.ask('two', next)
    expect(after.result?.stdout).toContain('heard: one, hang, two')
    expect(rig.starts()).toBe(1)
  })

  it('ends it when it does not stop', async () => {
    const rig = await openRig(driver)
    const late = await rig.ask('stubborn', { timeoutMs: 300 })
    expect(late.result).toMatchObject({ ended: 'timed-out', exit: null })
    expect(late.result?.stderr).toContain('was ended')
    expect(await rig.environment.endProcesses()).toBe(0)
  })

  it('ends it on interruption', async () => {
    const control = new AbortController()
    const rig = await openRig(driver, { signal: control.signal })
    const asked = rig.ask('stubborn')
    await waitFor(() => existsSync(join(rig.environment.home, 'started')))
    control.abort()
    expect((await asked).result?.ended).toBe('interrupted')
  })

  it('says that a program is missing', async () => {
    const rig = await openRig(driver, { argv: ['no-such-program', 'x'] })
    expect((await rig.ask('one')).result).toMatchObject({ ended: 'failed-to-start' })
  })

  it('stands still between requests, with all that it started, and survives the commands of others', async () => {
    const rig = await openRig(driver)
    await rig.ask('tick')
    const ticks = join(rig.environment.workspace, 'ticks')
    const size = (): number => (existsSync(ticks) ? statSync(ticks).size : 0)
    const before = size()
    await rig.environment.exec(['sleep', '0.3'], { timeoutMs: 5_000, signal: never })
    await rig.environment.endProcesses()
    expect(size()).toBe(before)
    const reply = await rig.ask('hang', { continues: true, timeoutMs: 400 })
    expect(reply.result?.stdout).toContain('heard: tick, hang')
    expect(rig.starts()).toBe(1)
    expect(size()).toBeGreaterThan(before)
    await rig.close()
    expect(await rig.environment.endProcesses()).toBeLessThanOrEqual(2)
  })

  it('is still there when the workspace was set back', async () => {
    const rig = await openRig(driver)
    await rig.environment.keep('passed')
    await rig.ask('one')
    await rig.environment.rollBack('passed')
    await rig.ask('write', next)
    expect(readFileSync(join(rig.environment.workspace, 'made.txt'), 'utf8')).toBe('yes')
  })
})
