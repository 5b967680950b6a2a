// `turnpike init`: an example turnpike.yaml and tasks in the current directory, copied from configs/example/. Overwrites nothing.

import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { packageFile } from '../package-files.ts'
import type { CommandSpec } from './_command.ts'

export const initCommand: CommandSpec = {
  usage: 'init [directory]',
  group: 'Set up',
  summary: 'Write an example turnpike.yaml and tasks',
  description: 'Files that are there already are left as they are.',
  examples: ['turnpike init', 'turnpike init my-benchmark && cd my-benchmark && turnpike run'],
  run: async context => {
    const target = resolve(context.directory, context.arguments[0] ?? '.')
    const source = packageFile('configs', 'example')
    const files = listFiles(source).map(path => relative(source, path))
    const written = files.filter(file => !existsSync(join(target, file)))
    const kept = files.filter(file => !written.includes(file))
    for (const file of written) copyFile(join(source, file), join(target, file))
    if (context.json) await context.output.writeJson({ directory: target, written, kept })
    else await context.output.write(describe(target, written, kept))
    return 0
  },
}

function listFiles(directory: string): string[] {
  return readdirSync(directory)
    .sort()
    .map(name => join(directory, name))
    .flatMap(path => (statSync(path).isDirectory() ? listFiles(path) : [path]))
}

function copyFile(from: string, to: string): void {
  try {
    mkdirSync(dirname(to), { recursive: true })
    copyFileSync(from, to)
  } catch (cause) {
    throw new TurnpikeError('E_FILE_UNREADABLE', `cannot write ${to}`, { cause })
  }
}

function describe(target: string, written: readonly string[], kept: readonly string[]): string {
  const lines = [
    ...written.map(file => `wrote ${join(target, file)}`),
    ...kept.map(file => `kept  ${join(target, file)} (it was there)`),
    '',
    'next: turnpike run        runs the example task with the simulated provider, in this directory',
    '      turnpike doctor     checks what a run needs',
  ]
  return `${lines.join('\n')}\n`
}
