// Harbor tasks on disk, made for a test.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeDirectory } from '../_sandbox.ts'

export function writeFiles(directory: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    const file = join(directory, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    if (text.startsWith('#!')) chmodSync(file, 0o755)
  }
  return directory
}

export const dockerfile = 'FROM debian:bookworm-slim\nWORKDIR /app\n'

/** A task of one step. */
export const single = (toml: string): Record<string, string> => ({
  'task.toml': toml,
  'instruction.md': 'Do it.\n',
  'environment/Dockerfile': dockerfile,
  'tests/test.sh': '#!/bin/sh\necho 1 > /logs/verifier/reward.txt\n',
  'solution/solve.sh': '#!/bin/sh\ntrue\n',
})

/** A task of several steps, shaped as EvoCode-Bench's. */
export function stepped(names: readonly string[], head = 'schema_version = "1.2"\n', perStep = ''): Record<string, string> {
  const files: Record<string, string> = { 'environment/Dockerfile': dockerfile }
  let toml = head
  for (const name of names) {
    toml += `\n[[steps]]\nname = ${JSON.stringify(name)}\n${perStep}`
    files[`steps/${name}/instruction.md`] = `Do ${name}.\n`
    files[`steps/${name}/tests/test.sh`] = '#!/bin/sh\necho 1 > /logs/verifier/reward.txt\n'
    files[`steps/${name}/solution/solve.sh`] = '#!/bin/sh\ntrue\n'
  }
  return { ...files, 'task.toml': toml }
}

export const makeTask = (files: Readonly<Record<string, string>>): string => writeFiles(makeDirectory(), files)
