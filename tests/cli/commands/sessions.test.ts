// sessions, verify, decode, convert and costs over one recorded store.

import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPlace, type Place, recordSessions } from '../_cli.ts'

let place: Place
beforeAll(async () => {
  place = openPlace()
  await recordSessions(place)
})
afterAll(() => place.close())

describe('turnpike sessions', () => {
  it('has id, name, calls, tokens, cost and start of each', async () => {
    const sessions = await place.json<Array<Record<string, unknown>>>(['sessions'])
    expect(sessions.map(session => [session['name'], session['calls'], session['source']])).toEqual([
      ['hello', 2, 'path'],
      ['second', 1, 'path'],
    ])
    expect(sessions[0]).toMatchObject({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      tokens: { input: expect.any(Number), cached_read: expect.any(Number), cached_write: 0, output: expect.any(Number) },
      cost_usd: null,
      unpriced_calls: 2,
      started_at: expect.stringMatching(/Z$/),
    })
  })

  it('says of a cost that is not known that it is unknown, never 0', async () => {
    const { stdout } = await place.ask(['sessions'])
    expect(stdout).toMatch(/hello.*unknown/)
    expect(stdout).not.toContain('$0')
  })

  it('prints an empty list of runs as one', async () => {
    expect(await place.json(['runs'])).toEqual([])
    expect(await place.json(['trials'])).toEqual([])
  })
})

describe('turnpike verify', () => {
  it('counts what it checked and exits with 0', async () => {
    const { code, stdout } = await place.ask(['verify', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      exchanges: 4,
      pieces: expect.any(Number),
      bytes_raw: expect.any(Number),
      bytes_stored: expect.any(Number),
      bad: [],
    })
  })
})

describe('turnpike decode', () => {
  it('decodes what is new once, and everything when asked again', async () => {
    await place.ask(['decode'])
    expect(await place.json(['decode'])).toMatchObject({ decoded: 0, undecodable: 0 })
    expect(await place.json(['decode', 'hello', '--again'])).toMatchObject({ decoded: 2 })
  })
})

describe('turnpike convert', () => {
  it('writes each generation once and counts both ends', async () => {
    const out = join(place.directory, 'deep', 'rows.jsonl')
    const summary = await place.json<Record<string, number>>(['convert', 'hello', 'second', '--format', 'merged', '--out', out])
    expect(summary).toMatchObject({ calls: 3, generations_in: 3, generations_out: 3 })
    expect(summary['tokens_in']).toBe(summary['tokens_out'])
    const rows = readFileSync(out, 'utf8').trimEnd().split('\n')
    expect(rows).toHaveLength(summary['rows'] ?? 0)
    for (const row of rows) expect(JSON.parse(row)).toHaveProperty('messages')
  })

  it('writes rows to standard output and the summary beside them', async () => {
    const { code, stdout, stderr } = await place.ask(['convert', 'hello'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout.split('\n', 1)[0] ?? '')).toBeTypeOf('object')
    expect(stderr).toContain('generations 2 in = 2 out')
  })

  it.each([
    [['convert', 'hello', '--format', 'megred'], 'E_FORMAT_UNKNOWN'],
    [['convert', 'hello', '--json'], 'E_USAGE'],
    [['convert', 'hello', '--policy', 'loose'], 'E_USAGE'],
  ])('refuses %j', async (args, code) => {
    const ended = await place.ask(args)
    expect(ended.code).toBe(2)
    expect(ended.stderr).toContain(`error ${code}`)
  })

  it('names the file that cannot be written', async () => {
    writeFileSync(join(place.directory, 'taken'), '')
    const { code, stderr } = await place.ask(['convert', 'hello', '--out', 'taken/rows.jsonl'])
    expect(code).toBe(2)
    expect(stderr).toContain(`E_FILE_UNREADABLE: cannot write ${join(place.directory, 'taken', 'rows.jsonl')}`)
  })
})

describe('turnpike costs', () => {
  it('sums what the listing sums, however it is grouped', async () => {
    const [hello] = await place.json<Array<{ tokens: object }>>(['sessions'])
    const byModel = await place.json<{ groups: object[]; total: object }>(['costs', 'hello'])
    expect(byModel.total).toMatchObject({ calls: 2, tokens: hello?.tokens, cost_usd: null, unpriced_models: ['sim'] })
    expect(byModel.groups).toEqual([expect.objectContaining({ model: 'sim', calls: 2, tokens: hello?.tokens })])
    const byTurn = await place.json<{ total: object }>(['costs', 'hello', '--by', 'session,turn'])
    expect(byTurn.total).toEqual(byModel.total)
  })

  it('prices with the book it is given', async () => {
    const { code, stderr } = await place.ask(['costs', 'hello', '--prices', 'none.yaml'])
    expect(code).toBe(2)
    expect(stderr).toContain('cannot read the price book')
  })

  it('knows its keys', async () => {
    const { code, stderr } = await place.ask(['costs', 'hello', '--by', 'modle'])
    expect(code).toBe(2)
    expect(stderr).toContain('did you mean "model"?')
  })
})

describe('a store that cannot be written', () => {
  it.skipIf(process.getuid?.() === 0)('is an error of its own, not a defect', async () => {
    const other = openPlace()
    chmodSync(other.directory, 0o500)
    const { code } = await other.run(['proxy', '--simulated', '--port', '0'])
    chmodSync(other.directory, 0o700)
    expect(code).toBe(69)
    await other.close()
  })
})
