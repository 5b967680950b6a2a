import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findGit, openSnapshots } from '../../runner/snapshots.ts'
import { atEnd, makeDirectory } from './_sandbox.ts'

const path = process.env['PATH'] ?? ''
const git = await findGit(path)

async function open() {
  const directory = makeDirectory()
  const workspace = join(directory, 'workspace')
  mkdirSync(workspace)
  const snapshots = await openSnapshots(git ?? '', join(directory, 'snapshots.git'))
  const show = (...argv: string[]): string =>
    execFileSync('git', ['--git-dir', snapshots.directory, ...argv], { encoding: 'utf8' })
  return { workspace, snapshots, show, write: (name: string, text: string) => writeFileSync(join(workspace, name), text) }
}

it('finds git on a search path, or says there is none', async () => {
  expect(await findGit('/nowhere:')).toBeNull()
})

describe.skipIf(git === null)('snapshots of the workspace', () => {
  it('records every attempt as a commit upon the one before', async () => {
    const { workspace, snapshots, show, write } = await open()
    write('a', '1')
    write('gone', 'x')
    const first = await snapshots.take(workspace, 'turn 1, attempt 1', 1_700_000_000_000)
    rmSync(join(workspace, 'gone'))
    write('a', '2')
    const second = await snapshots.take(workspace, 'turn 1, attempt 2', 1_700_000_001_000)
    expect(show('log', '--format=%H %at %s', 'attempts').trim().split('\n')).toEqual([
      `${second} 1700000001 turn 1, attempt 2`,
      `${first} 1700000000 turn 1, attempt 1`,
    ])
    expect(show('diff', '--name-status', first, second)).toBe('M\ta\nD\tgone\n')
    expect(show('show', `${first}:a`)).toBe('1')
  })

  it('records bytes, modes, links and ignored files as they are, whatever the workspace says about git', async () => {
    const { workspace, snapshots, show, write } = await open()
    write('.gitattributes', '* text=auto eol=lf ident\n')
    write('.gitignore', '*.log\n')
    write('crlf.txt', 'one\r\ntwo $Id$\r\n')
    write('kept.log', 'ignored by the project')
    write('run', '#!/bin/sh\n')
    chmodSync(join(workspace, 'run'), 0o755)
    symlinkSync('crlf.txt', join(workspace, 'link'))
    write('odd "name"\n\tñ', 'x')
    const commit = await snapshots.take(workspace, 'x', 0)
    expect(show('show', `${commit}:crlf.txt`)).toBe('one\r\ntwo $Id$\r\n')
    expect(show('ls-tree', '-z', '--name-only', commit).split('\0').sort()).toEqual([
      '',
      '.gitattributes',
      '.gitignore',
      'crlf.txt',
      'kept.log',
      'link',
      'odd "name"\n\tñ',
      'run',
    ])
    expect(show('ls-tree', commit, 'run', 'link')).toMatch(/120000.*link\n100755.*run/)
  })

  it('records the files of repositories that the agent made inside', async () => {
    const { workspace, snapshots, show } = await open()
    mkdirSync(join(workspace, 'inner'))
    for (const place of [workspace, join(workspace, 'inner')]) {
      execFileSync('git', ['init', '-q', place])
      writeFileSync(join(place, 'file'), place)
    }
    const commit = await snapshots.take(workspace, 'x', 0)
    expect(show('ls-tree', '-r', '--name-only', commit)).toBe('file\ninner/file\n')
  })

  it('follows a path that changes between file, directory and link', async () => {
    const { workspace, snapshots, show, write } = await open()
    write('x', 'file')
    await snapshots.take(workspace, '1', 0)
    rmSync(join(workspace, 'x'))
    mkdirSync(join(workspace, 'x'))
    write('x/y', 'inside')
    const second = await snapshots.take(workspace, '2', 0)
    expect(show('ls-tree', '-r', '--name-only', second)).toBe('x/y\n')
    rmSync(join(workspace, 'x'), { recursive: true })
    symlinkSync('/nowhere', join(workspace, 'x'))
    const third = await snapshots.take(workspace, '3', 0)
    expect(show('ls-tree', third)).toMatch(/^120000 .*\tx\n$/)
  })

  it('is deaf to the git settings of the user', async () => {
    const home = makeDirectory()
    writeFileSync(
      join(home, '.gitconfig'),
      '[core]\n\tautocrlf = input\n\tbroken = [[[\n[user]\n\tname = Somebody\n[commit]\n\tgpgSign = true\n',
    )
    const before = { HOME: process.env['HOME'], GIT_DIR: process.env['GIT_DIR'] }
    Object.assign(process.env, { HOME: home, GIT_DIR: '/nowhere' })
    atEnd(() => {
      process.env['HOME'] = before.HOME
      if (before.GIT_DIR === undefined) delete process.env['GIT_DIR']
    })
    const { workspace, snapshots, write } = await open()
    write('a', '\r\n')
    const commit = await snapshots.take(workspace, 'x', 0)
    delete process.env['GIT_DIR']
    process.env['HOME'] = before.HOME
    expect(
      execFileSync('git', ['--git-dir', snapshots.directory, 'show', '--format=%an', '-s', commit], { encoding: 'utf8' }),
    ).toBe('turnpike\n')
    expect(execFileSync('git', ['--git-dir', snapshots.directory, 'show', `${commit}:a`], { encoding: 'utf8' })).toBe('\r\n')
  })

  it('leaves the workspace as it was', async () => {
    const { workspace, snapshots, write } = await open()
    write('a', '1')
    const list = () => execFileSync('ls', ['-lAi', '--time-style=full-iso', workspace], { encoding: 'utf8' })
    const before = list()
    await snapshots.take(workspace, 'x', 0)
    expect(list()).toBe(before)
  })

  it('tells whether a commit holds other files than the one before', async () => {
    const { workspace, snapshots, write } = await open()
    write('a', '1')
    const differs = async () => snapshots.differs(await snapshots.take(workspace, 'x', 0))
    expect(await differs()).toBeNull()
    expect(await differs()).toBe(false)
    write('a', '1')
    expect(await differs()).toBe(false)
    chmodSync(join(workspace, 'a'), 0o755)
    expect(await differs()).toBe(true)
    write('a', '2')
    expect(await differs()).toBe(true)
  })

  it('sees a change that keeps size and time of a file, also right after it was read', async () => {
    const { workspace, snapshots, show, write } = await open()
    const past = new Date(1_700_000_000_000)
    for (let text = 10; text < 40; text++) {
      write('a', String(text))
      utimesSync(join(workspace, 'a'), past, past)
      const commit = await snapshots.take(workspace, 'x', 0)
      expect(show('show', `${commit}:a`)).toBe(String(text))
    }
  })

  it('reads nothing again that has not changed', async () => {
    const { workspace, snapshots, show, write } = await open()
    write('a', '1')
    write('b', '1')
    await new Promise(resolve => setTimeout(resolve, 100))
    await snapshots.take(workspace, 'x', 0)
    write('b', '2')
    const commit = await snapshots.take(workspace, 'x', 0)
    // One file, one tree, one commit are new.
    const packs = readdirSync(join(snapshots.directory, 'objects/pack')).filter(name => name.endsWith('.idx'))
    const counts = packs.map(
      name =>
        execFileSync('git', ['show-index'], {
          input: readFileSync(join(snapshots.directory, 'objects/pack', name)),
          encoding: 'utf8',
        })
          .trim()
          .split('\n').length,
    )
    expect(counts.sort()).toEqual([3, 3])
    expect(show('show', `${commit}:a`)).toBe('1')
  })

  it('keeps a directory without what is passed over, once per change, and none that is too large or not whole', async () => {
    const { workspace, snapshots, show, write } = await open()
    const limits = { bytesMax: 100, passedOver: new Set(['token']) }
    write('token', 'secret')
    write('a', '1')
    await new Promise(resolve => setTimeout(resolve, 100))
    const first = await snapshots.keep(workspace, 'x', 0, limits)
    expect(show('ls-tree', '-r', '--name-only', first?.commit ?? '')).toBe('a\n')
    expect(await snapshots.keep(workspace, 'x', 0, limits)).toEqual(first)
    mkdirSync(join(workspace, 'hollow'))
    const second = await snapshots.keep(workspace, 'x', 0, limits)
    expect(second?.emptyDirectories).toEqual(['hollow'])
    expect(second?.commit).not.toBe(first?.commit)
    write('large', 'x'.repeat(101))
    expect(await snapshots.keep(workspace, 'x', 0, limits)).toBeNull()
    rmSync(join(workspace, 'large'))
    execFileSync('git', ['init', '-q', workspace])
    expect(await snapshots.keep(workspace, 'x', 0, limits)).toBeNull()
  })

  it('takes an empty workspace too', async () => {
    const { workspace, snapshots, show } = await open()
    expect(show('ls-tree', await snapshots.take(workspace, 'x', 0))).toBe('')
  })
})
