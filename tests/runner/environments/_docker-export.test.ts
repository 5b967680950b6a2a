// The mirror of a container's workspace is what the last archive held, whatever the ones before held, and nothing beside it is ever touched.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import fc from 'fast-check'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import '../../_seed.ts'
import { connectDocker } from '../../../runner/environments/_docker-client.ts'
import { type Mirror, mirrorTree } from '../../../runner/environments/_docker-export.ts'

/** By path: a text, a link's target, or null for a directory. */
type Tree = Readonly<Record<string, { readonly text: string; readonly mode?: number } | { readonly link: string } | null>>

const root = mkdtempSync(join(tmpdir(), 'turnpike-mirror-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let mirrors = 0
const makeMirror = (): Mirror => ({ directory: join(root, `mirror-${++mirrors}`, 'workspace'), known: new Map() })

/** Answers as a daemon does: one archive, the directory itself first. */
function containerOf(tree: Tree, isCut = false): Docker.Container {
  const getArchive = async () => {
    const archive = pack()
    archive.entry({ name: 'workspace/', type: 'directory' })
    for (const [path, what] of Object.entries(tree)) {
      const name = `workspace/${path}`
      if (what === null) archive.entry({ name: `${name}/`, type: 'directory' })
      else if ('link' in what) archive.entry({ name, type: 'symlink', linkname: what.link })
      else archive.entry({ name, mode: what.mode ?? 0o644 }, what.text)
    }
    archive.finalize()
    return isCut ? Readable.from(cut(archive)) : archive
  }
  return { getArchive } as unknown as Docker.Container
}

async function* cut(archive: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const bytes of archive) {
    yield (bytes as Uint8Array).subarray(0, 700)
    throw new Error('cut')
  }
}

function read(directory: string, below = ''): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    const file = join(directory, path)
    if (entry.isDirectory()) Object.assign(found, { [path]: null }, read(directory, path))
    else if (entry.isSymbolicLink()) found[path] = { link: readlinkSync(file) }
    else found[path] = { text: readFileSync(file, 'utf8'), mode: statSync(file).mode & 0o111 ? 0o755 : 0o644 }
  }
  return found
}

const limits = { bytesMax: 1_000_000, fileBytesMax: 10_000 }
const withModes = (tree: Tree) =>
  Object.fromEntries(Object.entries(tree).map(([path, what]) => [path, what && 'text' in what ? { mode: 0o644, ...what } : what]))

/** Trees over few names, so that a path is one kind of thing now and another then. */
const trees: fc.Arbitrary<Tree> = fc
  .array(
    fc.tuple(
      fc.constantFrom('a', 'b', 'a/x', 'a/y', 'a/x/deep', 'b/x', 'c'),
      fc.oneof(
        fc.constant(null),
        fc.record({ text: fc.constantFrom('', 'one', 'two'), mode: fc.constantFrom(0o644, 0o755) }),
        fc.record({ link: fc.constantFrom('c', '../outside', root) }),
      ),
    ),
    { maxLength: 8 },
  )
  .map(list => {
    const tree: Record<string, Tree[string]> = {}
    for (const [path, what] of list.sort(([one], [other]) => (one < other ? -1 : 1))) {
      const parents = path
        .split('/')
        .slice(0, -1)
        .map((_, at, parts) => parts.slice(0, at + 1).join('/'))
      // As in any archive of a real tree: what something is in is a directory.
      if (parents.every(parent => tree[parent] === undefined || tree[parent] === null)) {
        for (const parent of parents) tree[parent] = null
        tree[path] ??= what
      }
    }
    return tree
  })

describe('mirrorTree', () => {
  // All that is asked of it is whether it is there: these containers answer by themselves.
  const daemon = createServer((_, response) => response.end('OK'))
  beforeAll(async () => {
    const socket = join(root, 'docker.sock')
    await new Promise<void>(resolve => daemon.listen(socket, resolve))
    connectDocker({ host: `unix://${socket}`, runtimeDirectory: null })
  })
  afterAll(() => daemon.close())

  it('makes the directory what the container holds, whatever it held before', async () => {
    const outside = join(root, 'outside')
    mkdirSync(outside, { recursive: true })
    for (const name of ['x', 'y', 'deep']) writeFileSync(join(outside, name), 'mine')
    await fc.assert(
      fc.asyncProperty(fc.array(trees, { minLength: 2, maxLength: 4 }), async list => {
        const mirror = makeMirror()
        for (const tree of list) {
          await mirrorTree(containerOf(tree), '/workspace', mirror, limits)
          expect(read(mirror.directory)).toEqual(withModes(tree))
        }
        expect(readdirSync(outside)).toEqual(['deep', 'x', 'y'])
      }),
      { numRuns: 40 },
    )
  })

  it('never looks for what is gone behind a link that stands where its directory was', async () => {
    const target = join(root, 'target')
    mkdirSync(target)
    writeFileSync(join(target, 'kept'), 'mine')
    const mirror = makeMirror()
    await mirrorTree(containerOf({ a: null, 'a/kept': { text: 'its own' } }), '/workspace', mirror, limits)
    await mirrorTree(containerOf({ a: { link: target } }), '/workspace', mirror, limits)
    expect(readFileSync(join(target, 'kept'), 'utf8')).toBe('mine')
  })

  it('leaves a file alone that has not changed, and writes one that has the same size again', async () => {
    const mirror = makeMirror()
    const first = { same: { text: 'same' }, other: { text: 'one' } }
    await mirrorTree(containerOf(first), '/workspace', mirror, limits)
    const inode = (name: string) => statSync(join(mirror.directory, name), { bigint: true }).ino
    const changed = (name: string) => statSync(join(mirror.directory, name), { bigint: true }).ctimeNs
    const before = { same: inode('same'), sameAt: changed('same') }
    await mirrorTree(containerOf({ ...first, other: { text: 'two' } }), '/workspace', mirror, limits)
    expect({ same: inode('same'), sameAt: changed('same') }).toEqual(before)
    expect(readFileSync(join(mirror.directory, 'other'), 'utf8')).toBe('two')
  })

  it('keeps of large files the size alone, and refuses more than may come', async () => {
    const mirror = makeMirror()
    await mirrorTree(containerOf({ large: { text: 'x'.repeat(20_000) } }), '/workspace', mirror, limits)
    expect(statSync(join(mirror.directory, 'large'))).toMatchObject({ size: 20_000, blocks: 0 })
    await mirrorTree(containerOf({ large: { text: 'small' } }), '/workspace', mirror, limits)
    expect(readFileSync(join(mirror.directory, 'large'), 'utf8')).toBe('small')
    const over = containerOf({ a: { text: 'x'.repeat(900) }, b: { text: 'x'.repeat(900) } })
    await expect(mirrorTree(over, '/workspace', mirror, { ...limits, bytesMax: 1000 })).rejects.toMatchObject({
      code: 'E_ENVIRONMENT_FAILED',
    })
  })

  it('begins anew after an archive that broke off', async () => {
    const mirror = makeMirror()
    await mirrorTree(containerOf({ a: { text: 'old' }, b: { text: 'old' } }), '/workspace', mirror, limits)
    await expect(mirrorTree(containerOf({ a: { text: 'new' } }, true), '/workspace', mirror, limits)).rejects.toThrow()
    await mirrorTree(containerOf({ b: { text: 'old' } }), '/workspace', mirror, limits)
    expect(read(mirror.directory)).toEqual({ b: { text: 'old', mode: 0o644 } })
  })
})
