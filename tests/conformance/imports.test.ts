// Every format that can be imported: found by its content, read to the same calls, masked, once however often, and wrong lines named.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeExchange } from '../../convert/decode.ts'
import { openImportFile } from '../../convert/import-records.ts'
import { importFormats } from '../../convert/imports/_all.ts'
import type { Store } from '../../store/_adapter.ts'
import { type Folder, files, importInto, key, openFolder, startedAt, writeRawBodies } from '../convert/import-files.ts'
import { withStore } from '../convert/temporary-store.ts'

let folder: Folder
beforeEach(() => {
  folder = openFolder()
  writeRawBodies(folder)
})
afterEach(() => folder.remove())

async function readTexts(store: Store): Promise<Array<{ asked: string; answered: string; complete: boolean }>> {
  const found = []
  for (const exchange of await store.exchanges({})) {
    const decoded = await decodeExchange(store, exchange)
    if ('reason' in decoded) throw new Error(decoded.reason)
    const blocks = decoded.answer?.message.blocks ?? []
    const [asked] = decoded.conversation.messages[0]?.blocks ?? []
    found.push({
      asked: asked?.kind === 'text' ? asked.text : '',
      answered: blocks.map(block => (block.kind === 'text' ? block.text : '')).join(''),
      complete: decoded.answer?.complete ?? false,
    })
  }
  return found
}

describe.each(importFormats)('$id', format => {
  const file = files[format.id] ?? { name: '', text: '' }

  it('says what it loses, in words', () => {
    if (format.id !== 'raw') expect((format.loses ?? '').length).toBeGreaterThan(40)
    expect(file.text).not.toBe('')
  })

  it('is recognised by its content, gzipped or not, whatever its name', async () => {
    folder.write(file.name.replace('index.jsonl', 'x.jsonl'), gzipSync(file.text))
    const opened = await openImportFile(file.name.replace('index.jsonl', 'x.jsonl'), folder.directory, 'auto')
    expect(opened.format.id).toBe(format.id)
  })

  it('brings both calls as they were, decoded by their protocol, with times and without secrets', () =>
    withStore(async store => {
      folder.write(file.name, file.text)
      const report = await importInto(store, folder, [file.name])
      expect(report).toMatchObject({ exchanges: 2, known: 0, files: [{ format: format.id, exchanges: 2 }] })
      const mask = format.id === 'claude-trace' || format.id === 'mini-vela' ? key : '*'.repeat(key.length)
      expect(await readTexts(store)).toEqual([
        { asked: `First é 😀 ${mask}`, answered: 'Whole', complete: true },
        { asked: 'Second', answered: 'Streamed é', complete: true },
      ])
      const [first, second] = await store.exchanges({})
      expect([first?.method, first?.path, first?.status, first?.outcome]).toEqual(['POST', '/v1/messages', 200, 'complete'])
      expect(first?.startedAt).toBe(startedAt)
      expect(second?.startedAt).toBe(startedAt + (format.id === 'mini-vela' ? 5000 : 1000))
      expect(first?.route).toBe(format.id === 'raw' ? 'simulated' : `import:${format.id}`)
      expect(first?.requestHeaders.find(([name]) => name === 'x-api-key')?.[1] ?? '*').toMatch(/^\*+$/)
      expect((await store.verify()).bad).toEqual([])
      const [session] = await store.list('sessions')
      expect(session).toMatchObject({ source: 'import', name: report.sessions[0]?.name })
    }))

  it('adds nothing when it is imported again, and only what is new when the file has grown', () =>
    withStore(async store => {
      folder.write(file.name, file.text)
      const one = format.records === 'lines' ? `${file.text.split('\n')[0]}\n` : file.text
      folder.write(file.name.replace(/\.\w+$/, '.part'), one)
      const name = 'same'
      await importInto(store, folder, [file.name.replace(/\.\w+$/, '.part')], { name })
      await importInto(store, folder, [file.name], { name })
      const again = await importInto(store, folder, [file.name], { name })
      expect(again).toMatchObject({ exchanges: 0, known: 2 })
      expect(await store.exchanges({})).toHaveLength(2)
    }))

  it('goes into the session that is named, apart from the same calls in another', () =>
    withStore(async store => {
      folder.write(file.name, file.text)
      await importInto(store, folder, [file.name], { name: 'one' })
      expect(await importInto(store, folder, [file.name], { name: 'two' })).toMatchObject({ exchanges: 2, known: 0 })
      expect((await store.list('sessions')).map(session => session.name)).toEqual(['one', 'two'])
    }))

  it('names file and record of what it cannot read, and has written nothing then', () =>
    withStore(async store => {
      const broken = file.text.replace(/"(method|request_body)":/g, (found, name: string) =>
        name === 'method' || format.id === 'mini-vela' ? '"gone":' : found,
      )
      folder.write(file.name, broken)
      await expect(importInto(store, folder, [file.name], { format: format.id })).rejects.toMatchObject({
        code: 'E_IMPORT_INVALID',
        message: expect.stringMatching(new RegExp(`${file.name}, (line|entry) 1: ".*(method|request_body)" must be`)),
      })
      expect(await store.exchanges({})).toEqual([])
    }))
})

describe('the list of formats', () => {
  it('is the directory', () => {
    const folderNames = readdirSync(join(import.meta.dirname, '../../convert/imports')).filter(name => !name.startsWith('_'))
    expect(importFormats.map(format => `${format.id}.ts`).sort()).toEqual(folderNames.sort())
  })

  it('stands in the documentation with what each format loses', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/import-export.md'), 'utf8')
    for (const { id, loses } of importFormats) {
      expect(page).toContain(`| \`${id}\` |`)
      if (loses !== null) expect(page).toContain(loses)
    }
  })
})
