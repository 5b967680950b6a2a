// Where the files that come with the package lie, both in the sources and compiled under dist/: its version, models, prices,
// the quick start.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert } from '../core/errors.ts'

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) {
    assert(folder !== dirname(folder), 'the package has a package.json')
    folder = dirname(folder)
  }
  return folder
}

const root = findRoot()

export function packageFile(...parts: readonly string[]): string {
  return join(root, ...parts)
}

export function readVersion(): string {
  const parsed: { readonly version: string } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'))
  return parsed.version
}
