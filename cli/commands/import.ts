// `turnpike import`: recordings of other tools as sessions of the store, exactly once however often they are imported. Wiring only.

import { type ImportReport, importFiles } from '../../convert/import.ts'
import { importFormats } from '../../convert/imports/_all.ts'
import { identify } from '../identify.ts'
import { noteNowAndThen } from '../progress.ts'
import { useStoreAt } from '../store-access.ts'
import type { CommandSpec } from './_command.ts'

export const importCommand: CommandSpec = {
  usage: 'import <file...>',
  group: 'Record and run',
  summary: 'Bring recordings of other tools into the store',
  description:
    `${importFormats.map(format => `${format.id}: ${format.title}`).join('\n')}\n\n` +
    'Files may be gzipped and of any size. A file that holds one session takes the name of the file; one that holds several is split by the\n' +
    "agents' own session ids. Importing a file again adds only what is new in it. docs/import-export.md says what each format loses.",
  options: [
    { flags: '--name <session>', meaning: 'Put everything into this session.' },
    {
      flags: '--format <format>',
      meaning: 'What the files are (default auto: their content tells).',
      choices: ['auto', ...importFormats.map(format => format.id)],
    },
    {
      flags: '--skip-bad',
      meaning: 'Leave out records that cannot be read, name them, and exit 1, instead of stopping before anything is written.',
    },
  ],
  examples: [
    'turnpike import .claude-trace/log-2026-01-05-10-12-33.jsonl',
    'turnpike import browser.har --name experiment-7',
    'turnpike import results/trajectories/*.jsonl --json',
    'turnpike import shared-recording/',
  ],
  run: context =>
    useStoreAt(context.config.store, {}, async store => {
      const { name, format } = context.options
      const report = await importFiles(store, {
        files: context.arguments,
        directory: context.directory,
        format: typeof format === 'string' ? format : 'auto',
        name: typeof name === 'string' ? name : null,
        skipBad: context.options['skipBad'] === true,
        identify,
        signal: context.signal,
        onProgress: noteNowAndThen(context, (file, exchanges) => `${file}: ${exchanges} exchanges`),
      })
      if (context.json) await context.output.writeJson(toJson(report))
      else await context.output.write(describe(report))
      return report.skipped.some(line => line.isBad) ? 1 : 0
    }),
}

function toJson(report: ImportReport): object {
  return {
    files: report.files,
    exchanges: report.exchanges,
    known: report.known,
    sessions: report.sessions,
    skipped: report.skipped.map(({ file, line, reason, isBad }) => ({ file, line, reason, bad: isBad })),
  }
}

function describe({ files, exchanges, known, sessions, skipped }: ImportReport): string {
  const again = known === 0 ? '' : `; ${known} were in the store already`
  const lines = [
    ...files.map(file => `${file.file}: ${file.format}, ${file.exchanges} exchanges`),
    ...sessions.map(session => `session ${session.name}: ${session.exchanges} new`),
    ...skipped.map(line => `skipped ${line.file}, record ${line.line}: ${line.reason}`),
    `${exchanges} exchanges imported${again}`,
  ]
  return `${lines.join('\n')}\n`
}
