// Between git and tar: who ends first must not matter, and who fails must be told.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { restoreTree } from '../../runner/restore.ts'
import { makeDirectory, never, openLocal } from './_sandbox.ts'

/** A repository with one file, and a `git` that does what it is told and then something else. */
function makeTree(after: string) {
  const directory = makeDirectory()
  const repository = join(directory, 'kept.git')
  const work = join(directory, 'work')
  mkdirSync(work)
  writeFileSync(join(work, 'a.txt'), 'as it was')
  const run = (...args: string[]): string =>
    execFileSync('git', ['--git-dir', repository, '--work-tree', work, ...args], { encoding: 'utf8', cwd: work }).trim()
  execFileSync('git', ['init', '--quiet', '--bare', repository])
  run('add', 'a.txt')
  const commit = run('-c', 'user.name=n', '-c', 'user.email=e@example.com', 'commit-tree', run('write-tree'), '-m', 'kept')
  const git = join(directory, 'git')
  writeFileSync(git, `#!/bin/sh\nPATH=${process.env['PATH']}\n${after}\n`, { mode: 0o755 })
  return { git, repository, commit, emptyDirectories: ['empty'] }
}

async function restore(after: string): Promise<string> {
  const environment = await openLocal()
  await restoreTree(environment, environment.workspace, makeTree(after), never)
  const { stdout } = await environment.exec(['sh', '-c', 'ls; cat a.txt'], { timeoutMs: 60_000, signal: never })
  return stdout
}

it('puts back what was recorded', async () => {
  expect(await restore('exec git "$@"')).toBe('a.txt\nempty\nas it was')
})

it('has put it back although tar was done before git had ended', async () => {
  expect(await restore('git "$@"; exec sleep 60')).toBe('a.txt\nempty\nas it was')
})

it.each([
  ['git fails', 'echo broken >&2; exit 3', /git archive of .*: broken$/],
  ['git is killed in the middle', 'git "$@" | head -c 700; kill -KILL $$', /git archive of/],
  ['what git writes is no archive', 'head -c 70000 /dev/urandom', /tar: /],
])('says so when %s', async (_, after, said) => {
  await expect(restore(after)).rejects.toMatchObject({ code: 'E_ENVIRONMENT_FAILED', message: expect.stringMatching(said) })
})

it('leaves attributes of the task out of it', async () => {
  const tree = makeTree('exec git "$@"')
  const environment = await openLocal()
  await restoreTree(environment, environment.workspace, tree, never)
  expect(readFileSync(join(tree.repository, 'info', 'attributes'), 'utf8')).toContain('-export-ignore')
})
