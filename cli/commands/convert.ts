// `turnpike convert`: recorded calls as trajectories, in a file or on standard output. Prints how many generations went in and came
// out; exit 1 when the two differ.

import { resolve } from 'node:path'
import type { ConversionSummary } from '../../convert/convert.ts'
import { formats } from '../../convert/formats/_all.ts'
import { policies } from '../../convert/policies/_all.ts'
import { TurnpikeError } from '../../core/errors.ts'
import { writeTrajectories } from '../derive.ts'
import { openResult } from '../result-files.ts'
import { useStore } from '../store-access.ts'
import type { CommandContext, CommandSpec } from './_command.ts'

export const convertCommand: CommandSpec = {
  usage: 'convert <ref...>',
  group: 'Derive',
  summary: 'Turn recorded calls into trajectories',
  description: formats
    .map(format => `${format.id}: ${format.title}${format.loses === null ? '' : ` (${format.loses})`}`)
    .join('\n'),
  options: [
    { flags: '--format <format>', meaning: `One of ${formats.map(format => format.id).join(', ')} (default merged).` },
    {
      flags: '--policy <policy>',
      meaning: `What counts as one conversation: ${policies.map(policy => policy.id).join(', ')} (default readable).`,
    },
    { flags: '--out <file>', meaning: 'Write there; without it the rows go to standard output.' },
  ],
  examples: [
    'turnpike convert latest --format merged --out trajectories.jsonl',
    'turnpike convert my-session | head -1 | jq .',
    'turnpike convert latest --out trajectories.jsonl --json',
  ],
  run: context =>
    useStore(context, { readOnly: true }, async store => {
      const out = context.options['out']
      if (context.json && typeof out !== 'string')
        throw new TurnpikeError('E_USAGE', '--json prints the summary, so the rows need a file', { hint: 'add --out FILE' })
      const refs = await Promise.all(context.arguments.map(name => store.resolveRef(name)))
      const settings = {
        format: readText(context.options['format']) ?? 'merged',
        policy: readText(context.options['policy']) ?? 'readable',
      }
      if (typeof out !== 'string') {
        const summary = await writeTrajectories(store, refs, { ...settings, write: context.output.write })
        return tell(context, summary)
      }
      const file = await openResult(resolve(context.directory, out))
      const summary = await writeTrajectories(store, refs, { ...settings, write: file.write }).finally(file.close)
      if (context.json) await context.output.writeJson(summary)
      return tell(context, summary)
    }),
}

function readText(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function tell(context: CommandContext, summary: ConversionSummary): number {
  const { calls, rows, generations_in: before, generations_out: after, undecodable } = summary
  const missing = undecodable === 0 ? '' : `; ${undecodable} exchanges could not be decoded`
  context.output.note(`${calls} calls, ${rows} rows, ${before} generations in, ${after} out${missing}`)
  return before === after ? 0 : 1
}
