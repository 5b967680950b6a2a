import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPlace, type Place } from './_cli.ts'

let place: Place
beforeAll(() => {
  place = openPlace()
})
afterAll(() => place.close())

describe('help', () => {
  it('is what a bare `turnpike` prints, grouped and with first steps', async () => {
    const { code, stdout } = await place.run([])
    expect(code).toBe(0)
    for (const word of ['Record and run:', 'Look into the store:', 'Derive:', 'Set up:', 'First steps:', 'turnpike doctor'])
      expect(stdout).toContain(word)
  })

  it('shows the version', async () => {
    expect((await place.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it('of a command has examples and the global options', async () => {
    const { code, stdout } = await place.ask(['run', '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('Examples:\n  $ turnpike run')
    expect(stdout).toContain('--store <dir>')
    expect(stdout).toContain('--on-failure <policy>')
  })
})

describe("a user's mistake", () => {
  it.each([
    [['rnu'], 2, "E_USAGE: unknown command 'rnu'", 'did you mean run?'],
    [['run', '--trils', '2'], 2, "E_USAGE: unknown option '--trils'", 'did you mean --trials?'],
    [['harbor', 'run', '--quiet'], 2, "E_USAGE: unknown option '--quiet'", 'turnpike harbor --help'],
    [['run', '--trials', 'two'], 2, 'E_USAGE: "--trials" must be a whole number, not "two"', '--help'],
    [['run', 'tasks.jsonl', '--agent', 'mini'], 2, 'E_USAGE: unexpected argument "tasks.jsonl"', 'after --'],
    [['run', '--agent', 'mini'], 2, 'E_USAGE: no tasks given', '--tasks'],
    [['run', '--tasks', 'none.jsonl', '--agent', 'oracle'], 2, 'E_FILE_UNREADABLE: cannot read tasks', 'path'],
    [['show'], 2, "E_USAGE: missing required argument 'ref'", 'turnpike show --help'],
    [['show', 'x', '--raw', 'both'], 2, 'E_USAGE: ', 'turnpike show --help'],
    [['runs'], 69, 'E_STORE_UNREADABLE: there is no store', '--store'],
    [['agents', '--config', 'none.yaml'], 2, 'E_FILE_UNREADABLE: cannot read the configuration', 'path'],
    [
      ['proxy', '--simulated', '--upstream', 'https://example.org'],
      2,
      'E_USAGE: the simulated provider and an upstream',
      'leave out',
    ],
    [['proxy', '--models', 'none.yaml'], 2, 'E_FILE_UNREADABLE: cannot read the models file', 'path'],
  ])('%j exits with %i, in at most three lines and without a stack', async (args, code, what, advice) => {
    const ended = await place.ask(args)
    expect(ended.stdout).toBe('')
    expect(ended.code).toBe(code)
    const lines = ended.stderr.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(3)
    expect(lines[0]).toContain(`error ${what}`)
    expect(lines.at(-1)).toMatch(/^ {2}try: /)
    expect(lines.at(-1)).toContain(advice)
    expect(ended.stderr).not.toMatch(/^\s+at /m)
  })

  it('in turnpike.yaml is named with line and column', async () => {
    const other = openPlace()
    writeFileSync(join(other.directory, 'turnpike.yaml'), 'run:\n  trails: 3\n')
    const { code, stderr } = await other.ask(['agents'])
    expect(code).toBe(2)
    expect(stderr).toContain('turnpike.yaml:2:3: unknown key "trails" in run; did you mean "trials"?')
    await other.close()
  })

  it('is an object on standard output with --json, and three lines on standard error all the same', async () => {
    const { code, stdout, stderr } = await place.run(['runs', '--json'])
    expect(code).toBe(69)
    expect(JSON.parse(stdout)).toEqual({
      error: expect.objectContaining({
        code: 'E_STORE_UNREADABLE',
        exit: 69,
        message: expect.any(String),
        try: expect.any(String),
      }),
    })
    expect(stderr).toContain('error E_STORE_UNREADABLE')
  })

  it('comes with where in the code it was found, when asked', async () => {
    expect((await place.ask(['runs', '--verbose'])).stderr).toMatch(/^\s+at /m)
  })
})

it('goes on, and ends as it would, where nobody reads what it says beside its results', async () => {
  const command = join(import.meta.dirname, '../../cli/turnpike.mjs')
  const child = spawn(process.execPath, [command, 'runs', '--json'], { cwd: place.directory, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr.destroy()
  let said = ''
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  expect(code).toBe(69)
  expect(JSON.parse(said)).toMatchObject({ error: { code: 'E_STORE_UNREADABLE' } })
})

describe('a port that is taken', () => {
  it('is exit 69, with the cause and what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const port = String((server.address() as AddressInfo).port)
    const { code, stderr } = await place.run(['proxy', '--simulated', '--port', port, '--store', 'taken'])
    server.close()
    expect(code).toBe(69)
    expect(stderr.trimEnd().split('\n')).toEqual([
      `error E_PORT_IN_USE: port ${port} on 127.0.0.1 is in use`,
      expect.stringMatching(/^ {2}why: .*EADDRINUSE/),
      expect.stringMatching(/^ {2}try: .*--port/),
    ])
  })
})

describe('a directory that is no store', () => {
  it('is not called a defect of ours', async () => {
    mkdirSync(join(place.directory, 'broken'))
    writeFileSync(join(place.directory, 'broken', 'turnpike.db'), 'this is no database, only some text that is long enough')
    const { code, stderr } = await place.ask(['runs', '--store', 'broken'])
    expect(code).not.toBe(70)
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/^error E_STORE_/)
  })
})
