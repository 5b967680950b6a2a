// `turnpike convert` as a process: files, selections, duplicates, splits, interruptions.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../../store/open.ts'
import { assistant, record, text, user } from '../../convert/script.ts'
import { openPlace, type Place, recordSessions } from '../_cli.ts'
import { recordRun } from '../_recording.ts'

interface Summary {
  readonly [count: string]: number
}
interface Whole {
  readonly files: ReadonlyArray<{ readonly path: string; readonly part: string | null; readonly rows: number }>
  readonly split: {
    readonly parts: ReadonlyArray<{ readonly name: string; readonly units: number; readonly generations: number }>
  }
  readonly dropped: ReadonlyArray<{ readonly scope: string; readonly of: { readonly scope: string } }>
}

let place: Place
beforeAll(async () => {
  place = openPlace()
  await recordRun(place.directory)
})
afterAll(() => place.close())

const at = (...names: string[]): string => join(place.directory, ...names)
const readRows = (name: string) =>
  readFileSync(at(name), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(
      line => JSON.parse(line) as { meta: Record<string, unknown>; messages: Array<{ generation?: boolean; content?: unknown }> },
    )
const convert = (...args: string[]) => place.json<Summary & Whole>(['convert', ...args, '--out', 'rows.jsonl'])

describe('turnpike convert', () => {
  it('prints where every call, generation and token is', async () => {
    const { code, stderr } = await place.ask(['convert', 'talk', '--out', 'talk.jsonl'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^5 calls = 0 declared \+ \d exact .* unlinked; generations 4 in = 4 out; tokens 440 in = 440 out\n/)
    expect(stderr).toContain('1 calls without an answer')
  })

  it('has in --json what the contract names, and the file', async () => {
    const summary = await convert('talk')
    expect(summary).toMatchObject({
      calls: 5,
      lanes: expect.any(Number),
      generations_in: 4,
      generations_out: 4,
      links: { exact: expect.any(Number), copied: 0, textual: 0, declared: 0, unlinked: expect.any(Number) },
      tokens_in: 440,
      tokens_out: 440,
      format: 'merged',
      policy: 'readable',
      files: [{ path: at('rows.jsonl'), part: null, rows: summary['rows'], generations: 4 }],
    })
  })

  it('writes the same bytes with any number of threads', async () => {
    for (const workers of ['1', '2', '4'])
      await place.ask(['convert', 'nightly', 'talk', '--workers', workers, '--out', `w${workers}.jsonl`])
    expect(readFileSync(at('w2.jsonl')).equals(readFileSync(at('w1.jsonl')))).toBe(true)
    expect(readFileSync(at('w4.jsonl')).equals(readFileSync(at('w1.jsonl')))).toBe(true)
    expect(readRows('w1.jsonl').length).toBeGreaterThan(3)
  })

  it('writes a file for each scope into a folder, and gzip where the name asks for it', async () => {
    expect((await place.ask(['convert', 'nightly', '--out', 'folder/'])).code).toBe(0)
    expect(readdirSync(at('folder')).sort()).toEqual(['one.mini.1.jsonl', 'one.mini.2.jsonl', 'two.other.1.jsonl'])
    await place.ask(['convert', 'nightly', '--out', 'all.jsonl.gz'])
    const all = gunzipSync(readFileSync(at('all.jsonl.gz'))).toString()
    expect(all).toBe(
      ['one.mini.1', 'one.mini.2', 'two.other.1'].map(name => readFileSync(at('folder', `${name}.jsonl`), 'utf8')).join(''),
    )
  })

  it('writes over what a link leads to, and leaves the link', async () => {
    writeFileSync(at('real.jsonl'), 'old')
    symlinkSync(at('real.jsonl'), at('link.jsonl'))
    await place.ask(['convert', 'talk', '--out', 'link.jsonl'])
    expect(readFileSync(at('real.jsonl'), 'utf8')).toContain('messages')
    expect(readFileSync(at('link.jsonl'), 'utf8')).toContain('messages')
    expect(statSync(at('real.jsonl')).isFile()).toBe(true)
  })

  it.skipIf(!existsSync('/dev/full'))('names the file that a full disk keeps from being written', async () => {
    const { code, stderr } = await place.ask(['convert', 'talk', '--out', '/dev/full'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/error E_FILE_UNREADABLE: cannot write \/dev\/full\n {2}why: .*ENOSPC/)
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true)
  })
})

describe('turnpike convert with a selection', () => {
  it('leaves other turns as context and says how many', async () => {
    const summary = await convert('nightly', '--turn', '2')
    expect(summary).toMatchObject({ generations_in: 6, generations_out: 3, deselected: 3, scopes: 3 })
    expect(summary['tokens_in']).toBe((summary['tokens_out'] ?? 0) + (summary['tokens_deselected'] ?? 0))
    for (const { messages } of readRows('rows.jsonl'))
      expect(messages.filter(message => message.generation !== undefined).map(message => message.generation)).toEqual([
        false,
        true,
      ])
    const { code, stderr } = await place.ask(['convert', 'nightly', '--turn', '2', '--out', 'rows.jsonl'])
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('generations 6 in = 3 out + 3 deselected; tokens 660 in = 330 out + 330 deselected'),
    ])
  })

  it.each([
    [['--where', 'score>=1'], ['one.mini.1']],
    [['--where', 'score = 0.5'], ['one.mini.2']],
    [
      ['--where', 'task ~ "t*" or score<0.6'],
      ['one.mini.2', 'two.other.1'],
    ],
    [
      [
        '--where',
        'outcome = finished and duration >= 1m and calls=2 and turns=2 and tokens=220 and model="model-a-1"',
        '--agent',
        'other',
      ],
      ['two.other.1'],
    ],
    [
      ['--agent', 'mini,nobody'],
      ['one.mini.1', 'one.mini.2'],
    ],
    [['--trial', 'one.mini.2'], ['one.mini.2']],
    [['--run', 'nightly', '--where', 'not agent=mini'], ['two.other.1']],
  ])('takes the trials that %j describes', async (args, names) => {
    const summary = await convert('nightly', ...args)
    expect(readRows('rows.jsonl').map(row => row.meta['session_id'])).toEqual(names)
    expect(summary).toMatchObject({ scopes: names.length })
  })

  it('does not take what it does not know, and says so', async () => {
    const { code, stderr } = await place.ask(['convert', 'nightly', 'talk', '--where', 'not score>=1', '--out', 'rows.jsonl'])
    expect(code).toBe(0)
    expect(stderr).toContain('2 scopes converted, 2 not selected, 1 of them because what --where asks is not known of them')
  })

  it('asks prices only when they are asked for: unpriced calls are unknown, not free', async () => {
    const { code, stderr } = await place.ask(['convert', 'nightly', '--where', 'cost < 1', '--out', 'none.jsonl'])
    expect([code, existsSync(at('none.jsonl'))]).toEqual([2, false])
    expect(stderr).toContain('E_SELECTION_EMPTY')
  })

  it.each([
    [
      ['nightly', '--turn', '7'],
      'E_SELECTION_EMPTY: the selection leaves nothing; there was: 3 scopes with 6 calls; tasks one, two; agents mini, other; scores 0 to 1; turns 1, 2; models model-a-1; calls from 2026-09-',
    ],
    [['nightly', '--where', 'score>1'], 'E_SELECTION_EMPTY: the selection leaves nothing; there was: 3 scopes'],
    [['nightly', '--since', '2031-01-01'], 'E_SELECTION_EMPTY'],
    [['silent'], 'E_NO_CALLS: nothing to convert in "silent": no calls in session silent'],
    [['nightly', '--where', 'score>>1'], 'E_USAGE: --where, character 6: ">>" is no comparison'],
    [['nightly', '--turn', '4..2'], 'E_USAGE: --turn 4..2 ends before it begins'],
    [['nightly', '--since', 'yesterday'], 'E_USAGE: --since does not know the time "yesterday"'],
    [['talk', '--run', 'nightly'], 'E_USAGE: nothing of what is named belongs to run nightly'],
    [['nightly', '--trial', 'talk'], 'E_USAGE: --trial "talk" is a session'],
    [['nightly', '--workers', '0'], 'E_USAGE: --workers 0 is no number of threads'],
    [['nightly', '--split', 'a=1,b=1'], 'E_USAGE: --split: the shares add up to 2'],
    [['nightly', '--seed', '1'], 'E_USAGE: --seed says how to split, and nothing is split'],
    [['nightly', '--policy', 'exakt'], 'E_USAGE: there is no policy exakt'],
    [[], 'E_USAGE: nothing is named to convert'],
  ])('refuses %j and writes no file', async (args, problem) => {
    const { code, stderr } = await place.ask(['convert', ...args, '--out', 'none.jsonl'])
    expect(stderr).toContain(`error ${problem}`)
    expect([code, readdirSync(place.directory).filter(name => /none|partial/.test(name))]).toEqual([2, []])
  })
})

describe('turnpike convert of files', () => {
  let files: Place
  let own: string
  beforeAll(async () => {
    files = openPlace()
    const recorded = openPlace()
    await recordSessions(recorded)
    own = (await recorded.ask(['convert', 'hello', 'second'])).stdout
    for (const name of ['hello', 'second']) await recorded.ask(['export', name, '--raw', '--out', join(files.directory, name)])
    await recorded.close()
  })
  afterAll(() => files.close())

  it('converts recordings without a store to what the store gives, with any number of threads', async () => {
    const one = await files.ask(['convert', 'hello', './second', '--workers', '1', '--out', 'one.jsonl'])
    expect([one.code, one.stderr]).toEqual([
      0,
      expect.stringMatching(/^3 calls = .*; generations 3 in = 3 out; tokens (.*) in = \1 out\n/),
    ])
    expect(existsSync(join(files.directory, '.turnpike'))).toBe(false)
    await files.ask(['convert', 'hello', './second', '--workers', '2', '--out', 'two.jsonl'])
    const text = readFileSync(join(files.directory, 'one.jsonl'), 'utf8')
    expect(readFileSync(join(files.directory, 'two.jsonl'), 'utf8')).toBe(text)
    const messages = (lines: string): unknown[] =>
      lines
        .trimEnd()
        .split('\n')
        .map(line => (JSON.parse(line) as { messages: unknown }).messages)
    expect(messages(text)).toEqual(messages(own))
  })

  it('reads back what it wrote, the same again, and writes it in another format', async () => {
    await files.ask(['convert', 'hello', './second', '--out', 'rows.jsonl'])
    const again = await files.ask(['convert', 'rows.jsonl', '--out', 'again.jsonl.gz'])
    expect(again.stderr).toMatch(/generations 3 in = 3 out; tokens (.*) in = \1 out\n/)
    const text = readFileSync(join(files.directory, 'rows.jsonl'), 'utf8')
    expect(gunzipSync(readFileSync(join(files.directory, 'again.jsonl.gz'))).toString()).toBe(text)
    const other = await files.json<Summary>(['convert', 'rows.jsonl', '--format', 'openai', '--out', 'openai.jsonl'])
    expect(other).toMatchObject({ calls: 3, generations_in: 3, generations_out: 3 })
    expect(readFileSync(join(files.directory, 'openai.jsonl'), 'utf8')).toContain('"weight":1')
  })

  it('selects and deduplicates within files too', async () => {
    await files.ask(['convert', 'hello', './second', '--out', 'rows.jsonl'])
    const narrowed = await files.json<Summary & Whole>([
      'convert',
      'rows.jsonl',
      './second',
      '--where',
      'calls=1',
      '--dedup',
      '--out',
      'some.jsonl',
    ])
    expect(narrowed).toMatchObject({ generations_in: 2, generations_out: 1, duplicates: 1 })
  })

  it.each([
    [['rows.jsonl', '--policy', 'calls'], 'E_USAGE: the file holds trajectories of policy readable'],
    [['./nothing.jsonl'], 'E_FILE_UNREADABLE: cannot read ./nothing.jsonl'],
    [['words.txt'], 'E_USAGE: words.txt is in none of the formats'],
    [['broken.jsonl'], 'E_BAD_FORMAT: broken.jsonl, line 2'],
  ])('refuses %j', async (args, problem) => {
    await files.ask(['convert', 'hello', '--out', 'rows.jsonl'])
    writeFileSync(join(files.directory, 'words.txt'), 'just words')
    const [first] = readFileSync(join(files.directory, 'rows.jsonl'), 'utf8').split('\n')
    writeFileSync(join(files.directory, 'broken.jsonl'), `${first}\n{"messages":7}\n`)
    const { code, stderr } = await files.ask(['convert', ...args, '--out', 'none.jsonl'])
    expect([code, stderr]).toEqual([2, expect.stringContaining(`error ${problem}`)])
    expect(existsSync(join(files.directory, 'none.jsonl'))).toBe(false)
  })

  it('does not choose between a file and a session of one name', async () => {
    writeFileSync(at('talk'), readFileSync(at('talk.jsonl')))
    const { code, stderr } = await place.ask(['convert', 'talk', '--out', 'none.jsonl'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('"talk" is a file here and a session of the store')])
    expect(stderr).toContain('try: write ./talk for the file, or the id talk-1 for the session')
    expect((await place.ask(['convert', './talk', '--out', 'rows.jsonl'])).stderr).toMatch(/generations 4 in = 4 out/)
    expect((await place.ask(['convert', 'talk-1', '--out', 'rows.jsonl'])).stderr).toMatch(/generations 4 in = 4 out/)
    rmSync(at('talk'))
  })
})

describe('turnpike convert --dedup', () => {
  it('writes what two trials say alike once, and names what stands for it', async () => {
    const summary = await convert('nightly', '--dedup')
    expect(summary).toMatchObject({ generations_in: 6, generations_out: 4, duplicates: 2, rows: 2 })
    expect(summary.dropped).toEqual([
      { scope: 'one.mini.2', id: expect.any(String), of: { scope: 'one.mini.1', id: expect.any(String) } },
    ])
    expect(summary['tokens_in']).toBe((summary['tokens_out'] ?? 0) + (summary['tokens_duplicates'] ?? 0))
    expect((await convert('nightly', '--dedup', '--workers', '3')).dropped).toEqual(summary.dropped)
  })
})

describe('turnpike convert --split', () => {
  it('keeps the trials of a task together, whatever the seed, and reports what each part holds', async () => {
    for (const seed of ['0', '1', '2', '3']) {
      const { split, files } = await place.json<Whole>([
        'convert',
        'nightly',
        '--split',
        'train=0.5,test=0.5',
        '--seed',
        seed,
        '--out',
        'data.jsonl',
      ])
      expect(files.map(file => [file.path, file.part])).toEqual([
        [at('data.train.jsonl'), 'train'],
        [at('data.test.jsonl'), 'test'],
      ])
      const tasks = ['train', 'test'].map(
        part => new Set(readRows(`data.${part}.jsonl`).map(row => String(row.meta['session_id']).split('.')[0])),
      )
      expect([...(tasks[0] ?? [])].filter(task => tasks[1]?.has(task))).toEqual([])
      expect(split.parts.map(part => part.units)).toEqual(tasks.map(own => own.size))
      expect(split.parts.reduce((sum, part) => sum + part.generations, 0)).toBe(6)
    }
  })

  it('says when a part got nothing, and leaves it as an empty file', async () => {
    const { stderr } = await place.ask(['convert', 'talk', '--split', 'train=0.999999,test=0.000001', '--out', 'data.jsonl'])
    expect(stderr).toContain(
      'test: 0 tasks or sessions, 0 rows, 0 % of the generations (asked: 0 %); too few tasks to deal it any',
    )
    expect(readFileSync(at('data.test.jsonl'), 'utf8')).toBe('')
  })

  it('makes a folder for each part when there is a file for each scope', async () => {
    mkdirSync(at('parts'), { recursive: true })
    await place.ask(['convert', 'nightly', '--split', 'train=1', '--out', 'parts'])
    expect(readdirSync(at('parts', 'train'))).toHaveLength(3)
  })
})

describe('an interrupted turnpike convert', () => {
  let large: Place
  beforeAll(async () => {
    large = openPlace()
    const store = await openStore(join(large.directory, '.turnpike'))
    for (const id of ['one', 'two']) {
      const messages = [user('begin')]
      for (let call = 0; call < 70; call += 1) {
        const answer = assistant(text(`${id} ${call} ${'word '.repeat(4000)}`))
        await record(store, { id: `${id}-${call}`, at: call, messages: [...messages], answer }, { kind: 'session', id })
        messages.push(answer, user('next'))
      }
    }
    const named = ['one', 'two'].map(id => ({ id, name: id, source: 'path' as const, agentSession: null, startedAt: 1 }))
    await store.put('sessions', named)
    await store.close()
  })
  afterAll(() => large.close())

  it.each(['1', '2'])('leaves neither half a file nor a trace, and the old one as it was (%s threads)', async workers => {
    writeFileSync(join(large.directory, 'rows.jsonl'), 'old')
    // Every call with all that came before it: much to write.
    const running = large.start(['convert', 'one', 'two', '--policy', 'calls', '--workers', workers, '--out', 'rows.jsonl'])
    const partial = (): string | undefined => readdirSync(large.directory).find(name => name.endsWith('.partial'))
    while (partial() === undefined && running.child.exitCode === null) await new Promise(resolve => setTimeout(resolve, 2))
    expect(partial()).toBeDefined()
    running.child.kill('SIGINT')
    const { code, stderr } = await running.ended
    expect([code, stderr]).toEqual([130, expect.stringContaining('E_INTERRUPTED')])
    expect(readdirSync(large.directory).sort()).toEqual(['.turnpike', 'rows.jsonl'])
    expect(readFileSync(join(large.directory, 'rows.jsonl'), 'utf8')).toBe('old')
  })
})
