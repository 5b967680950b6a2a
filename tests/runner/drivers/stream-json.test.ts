import { expect, it } from 'vitest'
import { fakeAgent, openRig } from './_rig.ts'

it('goes on with the session by its arguments after a death', async () => {
  const rig = await openRig('stream-json')
  await rig.ask('one')
  await rig.ask('die', { continues: true })
  const reply = await rig.ask('two', { continues: true })
  expect(reply.lost).toBeNull()
  expect(reply.result?.stdout).toContain('heard: one, die, two')
  expect(rig.starts()).toBe(2)
})

it('says that a conversation was lost where its arguments name no session', async () => {
  const rig = await openRig('stream-json', { argv: [process.execPath, fakeAgent, 'lines'] })
  await rig.ask('one')
  await rig.ask('die', { continues: true })
  const reply = await rig.ask('two', { continues: true })
  expect(reply.lost).toContain('no way to go on')
  expect(reply.result?.stdout).toContain('heard: two')
})

it('keeps a line that comes in pieces whole, and every line as it came', async () => {
  const rig = await openRig('stream-json', {
    argv: [
      'sh',
      '-c',
      `read line; printf '{"type":"assi'; sleep 0.1; printf 'stant","text":"ü"}\\n{"type":"result","is_error":false,"session_id":"s1"}\\n'; exec sleep 30`,
    ],
  })
  const reply = await rig.ask('one')
  expect(reply).toMatchObject({ session: 's1', result: { exit: 0 } })
  expect(reply.result?.stdout.split('\n')[0]).toBe('{"type":"assistant","text":"ü"}')
})
