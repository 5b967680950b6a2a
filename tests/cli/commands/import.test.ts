// turnpike import, as a process: what it prints, its exit status, and that what it brought is there for the other commands.
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { captureRecord, files, startedAt, velaRecord, writeLines } from '../../convert/import-files.ts'
import { openPlace, type Place, recordSessions } from '../_cli.ts'

let place: Place
beforeAll(async () => {
  place = openPlace()
  await recordSessions(place)
  for (const { name, text } of Object.values(files)) if (!name.includes('/')) writeFileSync(join(place.directory, name), text)
})
afterAll(() => place.close())

describe('turnpike import', () => {
  it('tells what came from where, in JSON and in words', async () => {
    const report = await place.json(['import', 'capture.jsonl', 'case-1.jsonl'])
    expect(report).toMatchObject({
      files: [
        { file: 'capture.jsonl', format: 'capture', exchanges: 2 },
        { file: 'case-1.jsonl', format: 'mini-vela', exchanges: 2 },
      ],
      exchanges: 4,
      known: 0,
      sessions: [
        { name: 'capture', exchanges: 2 },
        { name: 'case-1', exchanges: 2 },
      ],
      skipped: [{ file: 'case-1.jsonl', line: 2, bad: false }],
    })
    const { stdout, code } = await place.ask(['import', 'capture.jsonl', '--format', 'auto'])
    expect(stdout).toContain('0 exchanges imported; 2 were in the store already')
    expect(code).toBe(0)
  })

  it('makes sessions that the other commands work on, with cost by the model', async () => {
    writeFileSync(
      join(place.directory, 'priced.jsonl'),
      writeLines([captureRecord(1)]).replaceAll('claude-sim', 'claude-sonnet-4-5'),
    )
    await place.ask(['import', 'priced.jsonl'])
    const sessions = await place.json<Array<Record<string, unknown>>>(['sessions'])
    const named = (name: string) => sessions.find(session => session['name'] === name)
    expect(named('priced')).toMatchObject({ source: 'import', calls: 1, cost_usd: expect.any(Number) })
    expect(named('case-1')).toMatchObject({ source: 'import', calls: 2, started_at: new Date(startedAt).toISOString() })
    expect((await place.ask(['verify'])).code).toBe(0)
    expect((await place.ask(['convert', 'capture', '--out', 'x.jsonl'])).code).toBe(0)
  })

  it('exits with 2 on a bad line and names it, with 1 when told to leave it out', async () => {
    appendFileSync(join(place.directory, 'bad.jsonl'), `${writeLines([velaRecord(0)])}[]\n${writeLines([velaRecord(1)])}`)
    const refused = await place.ask(['import', 'bad.jsonl', '--name', 'bad'])
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('bad.jsonl, line 2: is not a JSON object')])
    const kept = await place.ask(['import', 'bad.jsonl', '--name', 'bad', '--skip-bad'])
    expect([kept.code, kept.stdout]).toEqual([1, expect.stringContaining('2 exchanges imported')])
  })

  it('keeps imported and recorded sessions apart', async () => {
    const { code, stderr } = await place.ask(['import', 'capture.jsonl', '--name', 'hello'])
    expect(code).toBe(2)
    expect(stderr).toContain('"hello" was recorded by the proxy')
  })
})
