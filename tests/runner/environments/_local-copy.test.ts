// The copy that is kept between verifications: each time exactly the workspace, whatever verifiers left and agents changed, at the cost of the changes.
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createKeptCopy } from '../../../runner/environments/_local-copy.ts'
import { listTree, waitForLaterTime } from '../../../runner/environments/_local-tree.ts'
import { makeDirectory } from '../_sandbox.ts'

function open() {
  const root = makeDirectory()
  const workspace = join(root, 'workspace')
  const copy = join(root, 'copy')
  mkdirSync(join(workspace, 'src/deep'), { recursive: true })
  for (const name of ['a', 'b', 'src/c', 'src/deep/d']) writeFileSync(join(workspace, name), `${name}\n`)
  chmodSync(join(workspace, 'b'), 0o755)
  symlinkSync('src/c', join(workspace, 'link'))
  mkdirSync(join(workspace, 'empty'))
  const onCopy = createKeptCopy({ workspace, original: join(root, 'original'), copy, ensure: async () => undefined })
  const list = (): string =>
    execFileSync('sh', ['-c', 'find . -printf "%P %y %m %U:%G %s %Tc %l\\n" | sort; cat $(find . -type f | sort)'], {
      cwd: workspace,
      encoding: 'utf8',
    })
  /** A verification that checks what it sees, and leaves what `work` leaves. */
  const verify = async (work: () => void = () => undefined) => {
    const before = list()
    const seen = await onCopy(async () => {
      const found = list()
      const numbers = new Map(
        ['a', 'b', 'src/c'].map(name => [name, existsSync(join(workspace, name)) ? statSync(join(workspace, name)).ino : 0]),
      )
      work()
      return { found, numbers }
    })
    expect(withoutSizes(seen.found)).toBe(withoutSizes(before))
    expect(list()).toBe(before)
    return seen.numbers
  }
  return { root, workspace, copy, verify, at: (name: string) => join(workspace, name) }
}

/** Of directories, which depend on what once stood in them. */
const withoutSizes = (list: string): string => list.replace(/^(.* d \d+ \S+) \d+/gm, '$1')

describe('the copy kept for verifiers', () => {
  it('is the workspace each time, and files that did not change are not copied again', async () => {
    const { verify, at } = open()
    const first = await verify()
    appendFileSync(at('a'), 'more\n')
    writeFileSync(at('src/new'), 'new\n')
    rmSync(at('src/deep'), { recursive: true })
    mkdirSync(at('other/inner'), { recursive: true })
    writeFileSync(at('other/inner/file'), 'x\n')
    const second = await verify()
    expect(second.get('b')).toBe(first.get('b'))
    expect(second.get('src/c')).toBe(first.get('src/c'))
    expect(await verify()).toEqual(second)
  })

  it('follows changes that keep size and time, rights, links, and kinds that change', async () => {
    const { verify, at } = open()
    const past = new Date(1_700_000_000_000)
    utimesSync(at('a'), past, past)
    await verify()
    writeFileSync(at('a'), 'A\n')
    utimesSync(at('a'), past, past)
    chmodSync(at('b'), 0o600)
    chmodSync(at('src'), 0o750)
    await verify()
    rmSync(at('link'))
    symlinkSync('src/d', at('link'))
    rmSync(at('a'))
    mkdirSync(at('a'))
    writeFileSync(at('a/inside'), 'x\n')
    await verify()
    rmSync(at('a'), { recursive: true })
    symlinkSync('/etc', at('a'))
    renameSync(at('src'), at('moved'))
    await verify()
    linkSync(at('b'), at('twin'))
    await verify()
    rmSync(at('twin'))
    await verify()
  })

  it('holds nothing that a verifier brought, changed or took away, whatever times it sets', async () => {
    const { verify, at, copy } = open()
    const before = statSync(at('a'))
    const first = await verify(() => {
      mkdirSync(at('hidden'))
      writeFileSync(at('hidden/test'), 'secret')
      writeFileSync(at('a'), 'x\n')
      utimesSync(at('a'), before.atime, before.mtime)
      appendFileSync(at('src/c'), 'report')
      rmSync(at('src/deep'), { recursive: true })
      rmSync(at('link'))
      symlinkSync('/etc/passwd', at('link'))
      chmodSync(at('src'), 0o700)
    })
    expect(existsSync(join(copy, 'hidden'))).toBe(false)
    expect(existsSync(join(copy, 'a'))).toBe(false)
    expect(existsSync(join(copy, 'src/c'))).toBe(false)
    const second = await verify()
    expect(second.get('b')).toBe(first.get('b'))
  })

  it('is made whole again when somebody has been at it in between', async () => {
    const { verify, at, copy } = open()
    await verify()
    const forged = join(copy, 'b')
    const { atime, mtime } = statSync(forged)
    writeFileSync(forged, 'B\n')
    utimesSync(forged, atime, mtime)
    await verify()
    writeFileSync(join(copy, 'planted'), 'x')
    await verify()
    rmSync(copy, { recursive: true })
    await verify()
    expect(readFileSync(at('b'), 'utf8')).toBe('b\n')
  })

  it('sees what a verifier writes at once, of the same size and time as what it finds', async () => {
    const { verify, at } = open()
    for (let round = 0; round < 4; round++) {
      writeFileSync(at('a'), `${round % 10}\n`)
      await verify(() => {
        const { atime, mtime } = statSync(at('a'))
        writeFileSync(at('a'), 'x\n')
        utimesSync(at('a'), atime, mtime)
      })
    }
  })

  it('waits until no change can have the time of an earlier one, and does not trust a clock that stands', async () => {
    const { root, workspace, at } = open()
    for (let round = 0; round < 20; round++) {
      writeFileSync(at('a'), `${round}`)
      const tree = await listTree(workspace)
      if (tree === null) throw new Error('the workspace cannot be listed')
      expect(await waitForLaterTime([new Map(), tree], join(root, 'clock'))).toBe(true)
      writeFileSync(at('b'), '')
      const newest = [...tree.values()].map(entry => entry.changedNs).reduce((one, other) => (one > other ? one : other))
      expect(statSync(at('b'), { bigint: true }).ctimeNs).toBeGreaterThan(newest)
      if (round > 0) continue
      const entry = tree.get('a')
      const ahead = new Map(entry === undefined ? [] : [['a', { ...entry, changedNs: entry.changedNs + 3_600_000_000_000n }]])
      expect(await waitForLaterTime([tree, ahead], join(root, 'clock'))).toBe(false)
    }
  })

  it('puts the workspace back when the work throws', async () => {
    const { verify, at } = open()
    const fail = verify(() => {
      writeFileSync(at('a'), 'spoiled')
      throw new Error('no')
    })
    await expect(fail).rejects.toThrow('no')
    expect(readFileSync(at('a'), 'utf8')).toBe('a\n')
    await verify()
  })

  it('replaces directories that a verifier wrote into, with all that may hang on them', async () => {
    const { verify, at } = open()
    await verify()
    const numberOf = async () => {
      let number = 0
      await verify(() => {
        number = statSync(at('src')).ino
        writeFileSync(at('src/extra'), '')
      })
      return number
    }
    const first = await numberOf()
    expect(await numberOf()).not.toBe(first)
  })
})
