// turnpike export, as a process: formats, refs, scrubbing, and what it refuses.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentKey, openPlace, type Place, recordSessions } from '../_cli.ts'

let place: Place
beforeAll(async () => {
  place = openPlace()
  await recordSessions(place)
})
afterAll(() => place.close())

const path = (name: string): string => join(place.directory, name)

describe('turnpike export', () => {
  it('writes a session raw, and the import of it into another store has the same bytes', async () => {
    expect(await place.json(['export', 'hello', '--raw', '--out', 'raw'])).toMatchObject({
      format: 'raw',
      exchanges: 3,
      left_out: 0,
      scrubbed: false,
    })
    await place.ask(['import', 'raw', '--store', 'other'])
    const ids = readFileSync(path('raw/index.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).id as string)
    for (const id of ids) {
      const [before, after] = [
        await place.ask(['show', id, '--raw', 'response']),
        await place.ask(['show', id, '--raw', 'response', '--store', 'other']),
      ]
      expect(after.bytes.equals(before.bytes)).toBe(true)
    }
    expect((await place.json<{ calls: object[] }>(['show', 'hello', '--store', 'other'])).calls).toHaveLength(2)
    expect(readdirSync(path('raw')).some(name => readFileSync(path(`raw/${name}`), 'latin1').includes(agentKey))).toBe(false)
  })

  it('writes one exchange, and scrubbed what nobody can read', async () => {
    const { calls } = await place.json<{ calls: Array<{ id: string }> }>(['show', 'second'])
    const told = await place.ask(['export', calls[0]?.id ?? '', '--har', '--scrub', '--out', 'one.har'])
    expect([told.code, told.stdout]).toEqual([0, expect.stringMatching(/^1 exchanges, scrubbed, \d+ bytes: one\.har\n$/)])
    const text = readFileSync(path('one.har'), 'utf8')
    expect(JSON.parse(text).log.entries).toHaveLength(1)
    expect(text).not.toContain('Streamed?')
    expect(text).toContain('claude-sim')
  })

  it('gives the same filler for the same seed only', async () => {
    const scrub = async (out: string, ...more: string[]): Promise<string> => {
      await place.ask(['export', 'hello', '--raw', '--out', out, ...more])
      return readFileSync(path(`${out}/0001-request.bin`), 'utf8')
    }
    const [one, same, other] = [
      await scrub('a', '--scrub-seed', 's'),
      await scrub('b', '--scrub-seed', 's'),
      await scrub('c', '--scrub'),
    ]
    expect(one).toBe(same)
    expect(one).not.toBe(other)
    expect(one).not.toContain('First question')
  })

  it('asks for one format and a place, and refuses to write over things', async () => {
    expect((await place.ask(['export', 'hello', '--out', 'x'])).stderr).toContain('add one of --raw, --har, --curl')
    expect((await place.ask(['export', 'hello', '--raw', '--har', '--out', 'x'])).stderr).toContain('one format at a time')
    expect((await place.ask(['export', 'hello', '--raw'])).stderr).toContain('add --out PATH')
    const refused = await place.ask(['export', 'second', '--raw', '--out', 'raw'])
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('E_OUTPUT_EXISTS')])
    expect((await place.ask(['export', 'second', '--raw', '--out', 'raw', '--force'])).code).toBe(0)
    expect(existsSync(path('raw/0002-request.bin'))).toBe(false)
  })
})
