import { expect, it } from 'vitest'
import { openPlace } from '../_cli.ts'

interface Doctor {
  readonly ok: boolean
  readonly checks: ReadonlyArray<{
    readonly name: string
    readonly state: string
    readonly found: string
    readonly try: string | null
  }>
}

it('tells of Node, git, disk, store, port and keys, and never the value of a key', async () => {
  const place = openPlace()
  const { code, stdout } = await place.ask(['doctor', '--port', '0', '--json'], {
    OPENAI_API_KEY: 'sk-a-secret-value-0123456789',
  })
  expect(code).toBe(0)
  const doctor = JSON.parse(stdout) as Doctor
  expect(doctor.checks.map(check => check.name)).toEqual(['node', 'git', 'tmux', 'disk', 'store', 'port', 'keys'])
  expect(doctor.checks.at(-1)).toMatchObject({ state: 'ok', found: expect.stringContaining('set: OPENAI_API_KEY;') })
  expect(stdout).not.toContain('sk-a-secret')
  await place.close()
})

it('exits with 1 and says what to do when something must be mended', async () => {
  const place = openPlace()
  const { code, stdout } = await place.ask(['doctor', '--port', '0', '--store', '/proc/nowhere/store'])
  expect(code).toBe(1)
  expect(stdout).toMatch(/FAIL {2}store: cannot write .*\n +try: .*--store/)
  await place.close()
})

it('lists the agents there are', async () => {
  const place = openPlace()
  const agents = await place.json<Array<{ id: string }>>(['agents'])
  expect(agents.map(agent => agent.id)).toEqual(expect.arrayContaining(['command', 'mini', 'nop', 'oracle']))
  await place.close()
})
