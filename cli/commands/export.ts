// `turnpike export`: recorded exchanges as files for other tools or other people, as they are or scrubbed. Wiring only.

import { resolve } from 'node:path'
import { type ExportOptions, type ExportReport, exportExchanges } from '../../convert/export.ts'
import type { ExportFormat } from '../../convert/exports/_adapter.ts'
import { exportFormats } from '../../convert/exports/_all.ts'
import { TurnpikeError } from '../../core/errors.ts'
import type { Store } from '../../store/_adapter.ts'
import { readVersion } from '../package-files.ts'
import { noteNowAndThen } from '../progress.ts'
import { readScopes } from '../scopes.ts'
import { useStore } from '../store-access.ts'
import type { CommandContext, CommandSpec } from './_command.ts'

export const exportCommand: CommandSpec = {
  usage: 'export <ref>',
  group: 'Look into the store',
  summary: 'Write recorded exchanges to files: bytes, HAR or curl scripts',
  description:
    `${exportFormats.map(format => `--${format.id}: ${format.title}`).join('\n')}\n\n` +
    'Keys are masked in the store already. --scrub replaces every text by filler of the same length and shape, so that a recording can be\n' +
    'shared: words of the protocol, model and tool names, keys of objects and token counts stay. docs/import-export.md says what exactly.',
  options: [
    ...exportFormats.map(format => ({ flags: `--${format.id}`, meaning: `Write ${format.title}.` })),
    { flags: '--out <path>', meaning: 'Where to.' },
    { flags: '--scrub', meaning: 'Replace every text by filler.' },
    {
      flags: '--scrub-seed <text>',
      meaning: 'Make the same filler of the same text in every export; whoever knows the seed can test guesses.',
    },
    { flags: '--force', meaning: 'Write over what is there.' },
  ],
  examples: [
    'turnpike export my-session --raw --out recording/',
    'turnpike export latest --har --out run.har',
    'turnpike export my-session --raw --scrub --out shareable/',
    'turnpike export 01JABCDEF --curl --out again/ && BASE_URL=http://127.0.0.1:4000 sh again/0001.sh',
  ],
  run: context =>
    useStore(context, { readOnly: true }, async store => {
      const format = chooseFormat(context)
      const out = context.options['out']
      if (typeof out !== 'string')
        throw new TurnpikeError('E_USAGE', 'export needs a place to write to', { hint: 'add --out PATH' })
      const seed = context.options['scrubSeed']
      const scrub = context.options['scrub'] === true || typeof seed === 'string'
      const report = await exportExchanges(store, {
        scopes: await chooseScopes(store, context.arguments[0] ?? ''),
        format,
        out: resolve(context.directory, out),
        force: context.options['force'] === true,
        scrub: scrub ? { seed: typeof seed === 'string' ? seed : null } : null,
        version: readVersion(),
        signal: context.signal,
        onProgress: noteNowAndThen(context, (done, total) => `${done} of ${total} exchanges`),
      })
      if (context.json) await context.output.writeJson({ format: format.id, out, scrubbed: scrub, ...toJson(report) })
      else await context.output.write(describe(report, out, scrub))
      return 0
    }),
}

function chooseFormat(context: CommandContext): ExportFormat {
  const chosen = exportFormats.filter(format => context.options[format.id] === true)
  const [format] = chosen
  if (format !== undefined && chosen.length === 1) return format
  throw new TurnpikeError('E_USAGE', chosen.length === 0 ? 'export needs a format' : 'export writes one format at a time', {
    hint: `add one of ${exportFormats.map(({ id }) => `--${id}`).join(', ')}`,
  })
}

async function chooseScopes(store: Store, name: string): Promise<ExportOptions['scopes']> {
  const ref = await store.resolveRef(name)
  if (ref.kind === 'exchange') return [{ filter: { id: ref.id }, name: await nameScope(store, ref.id) }]
  const { scopes } = await readScopes(store, ref.id)
  return scopes.map(scope => ({ filter: { scopeId: scope.id }, name: scope.name }))
}

async function nameScope(store: Store, exchangeId: string): Promise<string> {
  const [exchange] = await store.exchanges({ id: exchangeId })
  const id = exchange?.scope.id ?? ''
  const [named] = exchange?.scope.kind === 'trial' ? await store.list('trials', { id }) : await store.list('sessions', { id })
  return named?.name ?? id
}

function toJson({ exchanges, leftOut, inFlight, bytes }: ExportReport): object {
  return { exchanges, left_out: leftOut, in_flight: inFlight, bytes }
}

function describe({ exchanges, leftOut, inFlight, bytes }: ExportReport, out: string, scrubbed: boolean): string {
  const missing = [
    ...(leftOut > 0 ? [`${leftOut} left out: the format cannot hold them`] : []),
    ...(inFlight > 0 ? [`${inFlight} still running`] : []),
  ]
  return `${exchanges} exchanges${scrubbed ? ', scrubbed' : ''}, ${bytes} bytes: ${out}${missing.length > 0 ? ` (${missing.join('; ')})` : ''}\n`
}
