// Files read directly are the same calls as files imported into a store and read from there.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openFileScopes } from '../../convert/source-file.ts'
import { readStoreScope } from '../../convert/source-store.ts'
import type { Answer, Conversation } from '../../core/types.ts'
import {
  captureRecord,
  type Folder,
  files,
  har,
  harEntry,
  identify,
  importInto,
  key,
  openFolder,
  writeLines,
  writeRawBodies,
} from './import-files.ts'
import { readWhole } from './read-whole.ts'
import { withStore } from './temporary-store.ts'
import { dialects, writeSession } from './wire-sessions.ts'

let folder: Folder
beforeEach(() => {
  folder = openFolder()
})
afterEach(() => folder.remove())

interface Found {
  readonly id: string
  readonly session: string
  readonly path: string
  readonly outcome: string
  readonly at: number
  readonly conversation: Conversation
  readonly answer: Answer | null
}

async function readDirectly(file: string): Promise<{ found: Found[]; bad: string[]; continued: number }> {
  const found: Found[] = []
  const bad: string[] = []
  let continued = 0
  for (const { scope, calls } of await openFileScopes({ file, directory: folder.directory, format: 'auto', identify })) {
    for (const { call, conversation } of await readWhole(calls())) {
      const { id, path, outcome, startedAt } = call.exchange
      expect(call.exchange.scope).toEqual({ kind: 'session', id: scope.id })
      found.push({ id, session: scope.name, path, outcome, at: startedAt, conversation, answer: call.answer })
      if (call.continues !== null) continued += 1
    }
    for await (const call of calls()) if ('reason' in call) bad.push(call.reason)
  }
  return { found, bad, continued }
}

function readImported(file: string): Promise<Found[]> {
  return withStore(async store => {
    await importInto(store, folder, [file])
    const found: Found[] = []
    for (const session of await store.list('sessions')) {
      const info = {
        kind: 'session',
        id: session.id,
        name: session.name,
        runId: null,
        task: null,
        agent: null,
        score: null,
      } as const
      for (const { call, conversation } of await readWhole(readStoreScope(store, { scopeId: session.id }, info).calls())) {
        const { id, path, outcome, startedAt } = call.exchange
        found.push({ id, session: session.name, path, outcome, at: startedAt, conversation, answer: call.answer })
      }
    }
    return found
  })
}

describe.each(Object.entries(files))('a file of %s', (format, { name, text }) => {
  it('holds the calls that importing it gives', async () => {
    folder.write(name, text)
    writeRawBodies(folder)
    const { found, bad } = await readDirectly(name)
    const imported = await readImported(name)
    expect(bad).toEqual([])
    expect(found.length).toBeGreaterThanOrEqual(2)
    // The other two formats do not hold the key by which it would be known.
    if (format === 'capture' || format === 'har') expect(JSON.stringify(found)).not.toContain(key)
    // The raw log's own reading has ids of its own, and gives what was logged twice twice.
    if (format === 'mini-vela') {
      expect(found).toHaveLength(3)
      expect(found.filter((_call, at) => at !== 1).map(call => ({ ...call, id: '' }))).toEqual(
        imported.map(call => ({ ...call, id: '' })),
      )
    } else expect(found).toEqual(imported)
  })
})

describe('a file of requests that grow', () => {
  it('is read in parts, and gives what decoding each whole gives', async () => {
    const [dialect] = dialects
    if (dialect === undefined) throw new Error('no dialect')
    const steps = Array.from({ length: 14 }, (_, at) => ({
      step: at % 2 === 0 ? ('tool' as const) : ('say' as const),
      size: 900,
      at,
    }))
    const bodies = writeSession({ dialect, steps, historyFirst: true, spaced: false })
    const records = bodies.map(({ body }, at) => captureRecord(at % 2, 'session-a', { seq: at, request_body: body }))
    const textOf = (record: object) => ({ text: JSON.stringify((record as { request_body: unknown }).request_body) })
    const entries = records.map((record, at) =>
      harEntry(0, { request: { ...(harEntry(0)['request'] as object), postData: textOf(record) }, time: at }),
    )
    folder.write('grows.har', har(entries))
    const { found, continued } = await readDirectly('grows.har')
    expect(found.map(call => call.conversation.messages.length)).toEqual(
      (await readImported('grows.har')).map(call => call.conversation.messages.length),
    )
    expect(found).toEqual(await readImported('grows.har'))
    expect(continued).toBe(found.length - 1)
  })

  it('may hold several sessions, in turns', async () => {
    folder.write(
      'two.jsonl',
      writeLines([captureRecord(0, 'a'), captureRecord(1, 'b'), captureRecord(1, 'a', { t_request_ms: 1_800_000_000_000 })]),
    )
    const { found } = await readDirectly('two.jsonl')
    expect(found.map(call => call.session)).toEqual(['a', 'a', 'b'])
    expect(found).toEqual(await readImported('two.jsonl'))
  })

  it('is read on behind a line that cannot be read', async () => {
    folder.write('capture.jsonl', `${writeLines([captureRecord(0)])}{"seq": nonsense}\n${writeLines([captureRecord(1)])}`)
    const { found, bad } = await readDirectly('capture.jsonl')
    expect(found).toHaveLength(2)
    expect(bad).toEqual(['capture.jsonl, line 2: is not JSON'])
  })
})

describe('a file of no known format', () => {
  it.each(['{"what": 1}\n', 'plain words', ''])('is refused, and what is known is named: %j', async text => {
    folder.write('x.txt', text)
    await expect(readDirectly('x.txt')).rejects.toMatchObject({
      code: 'E_USAGE',
      message: expect.stringContaining('x.txt'),
      hint: expect.stringMatching(/raw .*har .*capture .*mini-vela .*claude-trace /),
    })
  })

  it('is refused when it is not there', async () => {
    await expect(readDirectly('nowhere.jsonl')).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' })
  })
})
