import { existsSync } from 'node:fs'
import { join } from 'node:path'
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
  const names = ['node', 'git', 'tmux', 'disk', 'store', 'port', 'keys', 'containers', 'agents']
  expect(doctor.checks.map(check => check.name)).toEqual(names)
  expect(doctor.checks.find(check => check.name === 'keys')).toMatchObject({
    state: 'ok',
    found: expect.stringContaining('set: OPENAI_API_KEY;'),
  })
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
  const agents = await place.json<Array<{ readonly id: string }>>(['agents'])
  expect(agents.map(agent => agent.id)).toEqual(expect.arrayContaining(['command', 'mini', 'nop', 'oracle']))
  const find = (id: string) => agents.find(agent => agent.id === id)
  expect(find('codex')).toMatchObject({
    program: 'not installed',
    continues: true,
    install: 'turnpike agents install codex',
    tested: true,
  })
  expect(find('aider')).toMatchObject({ program: 'missing', install: 'pip install aider-chat', tested: false })
  expect(find('mini-swe-agent')).toMatchObject({ continues: false })
  expect(find('mini')).toMatchObject({ program: 'built in', install: null })
  await place.close()
})

it('installs nothing that has nothing to install, and nothing at all when one of the names is wrong', async () => {
  const place = openPlace()
  const wrong = await place.ask(['agents', 'install', 'codex', 'oracel', '--agents-dir', 'programs'])
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean "oracle"') })
  expect(await place.ask(['agents', 'install', 'aider'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('pip install aider-chat'),
  })
  expect(await place.ask(['agents', 'instal'])).toMatchObject({ code: 2, stderr: expect.stringContaining('unknown action') })
  expect(await place.ask(['agents', 'install'])).toMatchObject({ code: 2 })
  expect(existsSync(join(place.directory, 'programs'))).toBe(false)
  await place.close()
})
