// Links that an agent has left lead to files of this machine, and the runner writes with its own rights: nothing may be written, emptied or read
// through them. The agent's part is played by the test itself, outside any sandbox.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ensureWorkspace, insideOf } from '../../../runner/environments/_local-trees.ts'
import { makeDirectory, never, openLocal } from '../_sandbox.ts'

async function openBesidePrize() {
  const environment = await openLocal()
  const prize = makeDirectory()
  mkdirSync(join(prize, 'deep'))
  writeFileSync(join(prize, 'deep/kept'), 'mine')
  writeFileSync(join(prize, 'kept'), 'mine')
  const at = (path: string): string => join(environment.workspace, path)
  /** What stands in the directory that no trial may touch. */
  const prizes = (): string =>
    `${execFileSync('sh', ['-c', 'cd "$1" && find . -type f -exec cat {} + && find . | sort', 'sh', prize])}`
  return { environment, prize, at, prizes, before: prizes() }
}

describe('links of an agent', () => {
  it('are not followed when files are written, whatever part of the path they are', async () => {
    const { environment, prize, at, prizes, before } = await openBesidePrize()
    symlinkSync(prize, at('tests'))
    symlinkSync(join(prize, 'kept'), at('file'))
    await environment.writeFiles(environment.workspace, { 'tests/kept': 'ours', 'tests/deep/kept': 'ours', file: 'ours' })
    expect(prizes()).toBe(before)
    expect(readFileSync(at('tests/deep/kept'), 'utf8')).toBe('ours')
  })

  it('are not followed when a directory is emptied', async () => {
    const { environment, prize, at, prizes, before } = await openBesidePrize()
    symlinkSync(prize, at('logs'))
    await environment.empty([at('logs/deep')])
    expect(prizes()).toBe(before)
    expect(readdirSync(at('logs/deep'))).toEqual([])
  })

  it('are not followed when trees come in: neither directories on the way, nor files, nor directories below', async () => {
    const { environment, prize, at, prizes, before } = await openBesidePrize()
    const tree = makeDirectory()
    mkdirSync(join(tree, 'deep'))
    writeFileSync(join(tree, 'kept'), 'ours')
    writeFileSync(join(tree, 'deep/kept'), 'ours')
    symlinkSync(prize, at('on-the-way'))
    mkdirSync(at('below'))
    symlinkSync(join(prize, 'kept'), at('below/kept'))
    symlinkSync(join(prize, 'deep'), at('below/deep'))
    writeFileSync(at('below/own'), 'stays')
    await environment.copyIn([
      { directory: tree, to: 'on-the-way/in' },
      { directory: tree, to: 'below' },
    ])
    expect(prizes()).toBe(before)
    expect(
      ['on-the-way/in/deep/kept', 'below/kept', 'below/deep/kept', 'below/own'].map(path => readFileSync(at(path), 'utf8')),
    ).toEqual(['ours', 'ours', 'ours', 'stays'])
  })

  it('are not followed when something is read or taken out', async () => {
    const { environment, prize, at } = await openBesidePrize()
    symlinkSync(prize, at('logs'))
    expect(await environment.readFile(at('logs/kept'), 100)).toBeNull()
    const out = makeDirectory()
    expect(await environment.copyOut(at('logs/deep'), out, { bytesMax: 1000, exclude: [] })).toBe(false)
    expect(readdirSync(out)).toEqual([])
  })

  it('in the place of the workspace are replaced by an empty one, before anything is written or restored', async () => {
    const { environment, prize, at, prizes, before } = await openBesidePrize()
    writeFileSync(at('work'), 'kept state')
    await environment.keep('passed')
    const replace = (): void => {
      rmSync(environment.workspace, { recursive: true })
      symlinkSync(prize, environment.workspace)
    }
    replace()
    await environment.onCopy(() => environment.writeFiles(environment.workspace, { 'hidden/kept': 'ours' }))
    expect(readdirSync(environment.workspace)).toEqual([])
    replace()
    expect(readdirSync(await environment.exportWorkspace())).toEqual([])
    replace()
    await environment.rollBack('passed')
    expect(readFileSync(at('work'), 'utf8')).toBe('kept state')
    replace()
    expect((await environment.exec(['ls', '-A'], { timeoutMs: 5_000, signal: never })).stdout).toBe('')
    expect(prizes()).toBe(before)
  })
})

it('takes out files and links only, and unlocks what was locked', async () => {
  const { environment, at } = await openBesidePrize()
  mkdirSync(at('logs/locked'), { recursive: true })
  writeFileSync(at('logs/locked/file'), 'x')
  execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', at('logs/pipe')])
  symlinkSync('/etc/passwd', at('logs/link'))
  chmodSync(at('logs/locked'), 0)
  const out = makeDirectory()
  expect(await environment.copyOut(at('logs'), out, { bytesMax: 1000, exclude: [] })).toBe(true)
  expect(readdirSync(join(out, 'logs')).sort()).toEqual(['link', 'locked'])
  expect(lstatSync(join(out, 'logs/locked')).mode & 0o700).toBe(0o700)
  expect(lstatSync(join(out, 'logs/link')).isSymbolicLink()).toBe(true)
})

it('what an agent put where the workspace is set aside is not in the way', async () => {
  const { environment, at } = await openBesidePrize()
  mkdirSync(join(dirname(environment.workspace), 'original/full'), { recursive: true })
  writeFileSync(at('work'), 'mine')
  expect(await environment.onCopy(async () => readFileSync(at('work'), 'utf8'))).toBe('mine')
  expect(existsSync(join(dirname(environment.workspace), 'original'))).toBe(false)
})

it('unlocks a workspace and stays below the root', async () => {
  const root = makeDirectory()
  mkdirSync(join(root, 'workspace'), { mode: 0o100 })
  await ensureWorkspace(root, join(root, 'workspace'))
  expect(lstatSync(join(root, 'workspace')).mode & 0o777).toBe(0o700)
  expect(() => insideOf(root, '/etc')).toThrow(/has no \/etc/)
  await expect(ensureWorkspace(root, join(root, '../elsewhere'))).rejects.toMatchObject({ code: 'E_ENVIRONMENT_FAILED' })
})
