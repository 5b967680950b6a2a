import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Verifier } from '../../core/task.ts'
import type { Exchange } from '../../core/types.ts'
import { createLeakWatch } from '../../runner/leaks.ts'
import { makeDirectory } from './_sandbox.ts'

const secretLines = [
  'assert total of the ledger equals 4711',
  'assert balance of account nine is negative',
  'assert the archive has exactly 17 entries',
]
const verifier: Verifier = {
  files: { 'test_ledger.py': `import ledger\n${secretLines.join('\n')}\n`, 'data.json': '{"expected": 1}' },
  command: ['pytest'],
  timeoutMs: 1_000,
}

const watchLeaks = (known = '') => createLeakWatch({ directory: join(makeDirectory(), 'canary'), known, verifiers: [] })

const pieces: Buffer[] = []

/** Requests as a store gives them back. */
function send(...texts: string[]) {
  const bodies = new Map(texts.map((text, at) => [`exchange-${at}-${text.length}`, Buffer.from(text)]))
  const exchanges = [...bodies].map(
    ([id, bytes]) => ({ id, requestSha256: bytes.toString('base64'), requestHeaders: [] }) as unknown as Exchange,
  )
  const store = {
    readRequestPieces: async (id: string) => ({
      ids: Uint32Array.of(pieces.push(bodies.get(id) ?? Buffer.alloc(0)) - 1),
      decodedFrom: null,
    }),
    readPiece: async (id: number) => pieces[id] ?? Buffer.alloc(0),
  }
  return { store, exchanges }
}
const request = (text: string) =>
  JSON.stringify({ messages: [{ role: 'user', content: [{ type: 'tool_result', content: JSON.stringify({ text }) }] }] })

describe('a leak watch', () => {
  it('plants a word of its own where a comment means nothing, and nowhere else', async () => {
    const [one, two] = [watchLeaks(), watchLeaks()]
    expect(one.canary).not.toBe(two.canary)
    const planted = await one.plant({ ...verifier, files: { ...verifier.files, 'a.test.mjs': 'test()', 'cut.sh': 'echo \\' } })
    expect(planted.files['test_ledger.py']).toBe(`${verifier.files['test_ledger.py']}\n# ${one.canary}\n`)
    expect(planted.files['a.test.mjs']).toBe(`test()\n// ${one.canary}\n`)
    expect(planted.files['data.json']).toBe('{"expected": 1}')
    expect(planted.files['cut.sh']).toBe('echo \\')
  })

  it('puts a file of its own beside directories of tests, last and once, and leaves the tests as they are', async () => {
    const watch = watchLeaks()
    const [tests, shared] = [makeDirectory(), makeDirectory()]
    writeFileSync(join(tests, 'test.sh'), 'exit 1\n')
    const trees = [
      { directory: shared, to: '/tests' },
      { directory: tests, to: '/tests' },
      { directory: tests, to: '.' },
    ]
    const planted = await watch.plant({ ...verifier, trees })
    expect(planted.trees?.slice(0, 3)).toEqual(trees)
    expect(planted.trees?.slice(3).map(tree => tree.to)).toEqual(['/tests'])
    const { directory } = planted.trees?.[3] ?? { directory: '' }
    expect(readdirSync(directory)).toEqual(['.turnpike-canary'])
    expect(readFileSync(join(directory, '.turnpike-canary'), 'utf8')).toBe(`${watch.canary}\n`)
    expect(readFileSync(join(tests, 'test.sh'), 'utf8')).toBe('exit 1\n')
    expect((await watch.plant(verifier)).trees).toBeUndefined()
  })

  it('finds the word in a request, once', async () => {
    const watch = watchLeaks()
    expect(await watch.inspect(send(request('hello')), verifier, '')).toEqual([])
    const stolen = send(request('fine'), request(`# ${watch.canary}`))
    expect(await watch.inspect(stolen, verifier, '')).toEqual([
      { exchangeId: stolen.exchanges[1]?.id, kind: 'canary', file: null },
    ])
    expect(await watch.inspect(stolen, verifier, '')).toEqual([])
  })

  it('suspects several lines of one hidden file, however JSON wraps them, and not one', async () => {
    const watch = watchLeaks()
    await watch.inspect(send(), verifier, '')
    expect(await watch.inspect(send(request(`look: ${secretLines[0]} ${secretLines[1]}`)), verifier, '')).toEqual([])
    const stolen = send(request(secretLines.join('\n')))
    expect(await watch.inspect(stolen, verifier, '')).toMatchObject([{ kind: 'lines', file: 'test_ledger.py' }])
  })

  it('does not suspect what the agent wrote before, was told, or was given', async () => {
    const text = request(secretLines.join('\n'))
    const [wrote, given, told] = [watchLeaks(), watchLeaks(secretLines.join('\n')), watchLeaks()]
    await wrote.inspect(send(text), verifier, '')
    expect(await wrote.inspect(send(`${text} `), verifier, '')).toEqual([])
    await given.inspect(send(), verifier, '')
    expect(await given.inspect(send(text), verifier, '')).toEqual([])
    await told.inspect(send(), verifier, '')
    const feedback = `FAILED ${secretLines.join('\n')} # ${told.canary}`
    expect(await told.inspect(send(request(feedback)), verifier, feedback)).toEqual([])
    expect(await told.inspect(send(request(`${feedback} later`)), verifier, '')).toEqual([])
  })

  it('reads only what is new of requests that grow, turn after turn', async () => {
    const verifiers = Array.from({ length: 12 }, (_, turn) => ({
      ...verifier,
      files: { [`test_${turn}.py`]: secretLines.map(line => `${line} in turn ${turn}`).join('\n') },
    }))
    const watch = createLeakWatch({ directory: join(makeDirectory(), 'canary'), known: '', verifiers })
    const history: number[] = []
    const readBytes: number[] = []
    const addPiece = (text: string): number => pieces.push(Buffer.from(text)) - 1
    for (const [turn, each] of verifiers.entries()) {
      history.push(addPiece(`request ${turn} ${'of a long conversation '.repeat(200)}`))
      let bytes = 0
      const store = {
        readRequestPieces: async () => ({ ids: Uint32Array.from(history), decodedFrom: null }),
        readPiece: async (id: number) => {
          bytes += pieces[id]?.length ?? 0
          return pieces[id] ?? Buffer.alloc(0)
        },
      }
      const exchange = { id: `${turn}`, requestSha256: `${turn}`, requestHeaders: [] } as unknown as Exchange
      // The lines of turn 3 were sent before its verification and again and again since; those of turn 5 after it.
      if (turn === 3) history.push(addPiece(each.files[`test_${turn}.py`] ?? ''))
      if (turn === 6) history.push(addPiece(verifiers[5]?.files['test_5.py'] ?? ''))
      const leaks = await watch.inspect({ store, exchanges: [exchange] }, each, '')
      expect(leaks.map(leak => leak.file)).toEqual(turn >= 6 ? ['test_5.py'] : [])
      readBytes.push(bytes)
    }
    // As much in the last turn as in the third.
    expect(readBytes.at(-1)).toBeLessThan(2 * (readBytes[2] ?? 0))
  })
})
