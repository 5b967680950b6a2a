// `turnpike convert`: recorded calls as trajectories, in files or on standard output. Prints what went in and what came out; exit 1 when
// the two differ. Wiring only.

import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ConversionSummary, convertJobs } from '../../convert/convert.ts'
import { findFormat, formats } from '../../convert/formats/_all.ts'
import { policies } from '../../convert/policies/_all.ts'
import type { ConversionJob } from '../../convert/pool/job.ts'
import { planConversion } from '../../convert/scope-conversion.ts'
import { choosePart, type Split } from '../../convert/selection/split.ts'
import type { ScopeInfo } from '../../convert/sources/source.ts'
import { TurnpikeError } from '../../core/errors.ts'
import { useConversionJobs } from '../conversion-jobs.ts'
import { describeConversion, describeSplit, holds, nothingSelected, reportSplit } from '../conversion-view.ts'
import { readSelection, readSplit, readText, readWorkers, selectionOptions, usage } from '../convert-options.ts'
import { identify } from '../identify.ts'
import { showProgress } from '../progress.ts'
import { openRowFiles, type RowFiles, type WrittenFile } from '../row-files.ts'
import type { CommandContext, CommandSpec } from './_command.ts'

export const convertCommand: CommandSpec = {
  usage: 'convert [ref-or-file...]',
  group: 'Derive',
  summary: 'Turn recorded calls into trajectories',
  description:
    `Formats\n${formats.map(format => `${format.id}: ${format.title}${format.loses === null ? '' : ` (loses ${format.loses})`}`).join('\n')}\n\n` +
    `Policies\n${policies.map(policy => `${policy.id}: ${policy.title}`).join('\n')}\n\n` +
    'A file is a recording that `turnpike import` can read, or what an earlier conversion wrote in a format that can be read back; it needs no\n' +
    'store. Every recorded answer is exported exactly once; the last line counts both ends. docs/convert.md describes formats, policies and\n' +
    'selections.',
  keys: ['prices'],
  options: [
    { flags: '--format <format>', meaning: `One of ${formats.map(format => format.id).join(', ')} (default merged).` },
    {
      flags: '--policy <policy>',
      meaning: `What counts as one conversation: ${policies.map(policy => policy.id).join(', ')} (default readable).`,
    },
    {
      flags: '--out <path>',
      meaning:
        'Write there: a file, gzipped when it ends in .gz, or a folder (with / at the end) for a file per scope; without it rows go to standard output.',
    },
    ...selectionOptions,
    { flags: '--dedup', meaning: 'Export trajectories that say the same only once.' },
    { flags: '--split <parts>', meaning: 'Deal tasks to parts, each a file of its own: train=0.9,test=0.1.' },
    {
      flags: '--by <unit>',
      meaning: 'What --split deals as one (default task; sessions without a task by their name).',
      choices: ['task', 'session'],
    },
    { flags: '--seed <text>', meaning: 'Another seed, another deal (default 0).' },
    {
      flags: '--workers <n>',
      meaning: 'Threads (default: one per core when there is enough to do); the output is the same with any number.',
    },
  ],
  examples: [
    'turnpike convert latest --format merged --out trajectories.jsonl',
    'turnpike convert my-session | head -1 | jq .',
    "turnpike convert latest --where 'score>=1' --dedup --split train=0.9,test=0.1 --out data.jsonl.gz",
    'turnpike convert log.jsonl --policy calls --out calls.jsonl',
    'turnpike convert latest --turn 2..4 --model "claude-*" --out by-trial/',
  ],
  run: async context => {
    const { options } = context
    const place = readPlace(context)
    const plan = planConversion({
      format: readText(options['format']) ?? 'merged',
      policy: readText(options['policy']),
      selection: readSelection(options, Date.now()),
      dedup: options['dedup'] === true,
    })
    return useConversionJobs(context, plan.selection, async (jobs, store) => {
      refuseEmpty(context, jobs)
      const rows = place.out === null ? null : openRowFiles({ ...place, out: place.out })
      const progress = await showProgress(context)
      const dealt = new Map<string, Map<string, ScopeInfo>>()
      const conversion = convertJobs(jobs, plan, {
        workers: readWorkers(options),
        signal: context.signal,
        onProgress: progress.update,
        identify,
        thread: threadUrl,
        ...(store === null ? {} : { store }),
      })
      try {
        for await (const batch of conversion.batches) {
          noteDealt(dealt, place.split, batch.scope)
          await (rows === null ? context.output.write(batch.bytes) : rows.write(batch))
        }
        progress.done()
        const summary = conversion.summary()
        if (isNarrowed(summary) && summary.generations_out === 0)
          throw nothingSelected(
            jobs.map(job => job.scope),
            conversion.sight(),
            jobs.reduce<number | null>((sum, job) => (sum === null || job.calls === null ? null : sum + job.calls), 0),
          )
        return await tell(context, summary, plan, place, await commit(rows), dealt)
      } catch (error) {
        progress.done()
        await rows?.abandon()
        throw error
      }
    })
  },
}

/** Sources run under tsx, where worker threads cannot load TypeScript: the compiled thread serves them. */
const threadUrl = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/cli/convert-thread.js' : '../convert-thread.js',
  import.meta.url,
)

interface Place {
  readonly out: string | null
  readonly split: Split | null
  readonly perScope: boolean
  readonly extension: string
}

function readPlace(context: CommandContext): Place {
  const out = readText(context.options['out'])
  const split = readSplit(context.options)
  const format = findFormat(readText(context.options['format']) ?? 'merged')
  if (context.json && out === null) throw usage('--json prints the summary, so the rows need a file', 'add --out FILE')
  if (split !== null && out === null) throw usage('--split writes a file for each part', 'add --out FILE')
  const path = out === null ? null : resolve(context.directory, out)
  const isFolder = out !== null && path !== null && (/[/\\]$/.test(out) || (existsSync(path) && statSync(path).isDirectory()))
  return { out: path, split, perScope: isFolder, extension: `.${format.extension}` }
}

function refuseEmpty(context: CommandContext, jobs: readonly ConversionJob[]): void {
  if (jobs.some(job => job.calls !== 0)) return
  const names = context.arguments.map(name => `"${name}"`).join(', ')
  const what =
    jobs.length === 0
      ? 'no trial or session'
      : `no calls in ${jobs.length === 1 ? `${jobs[0]?.scope.kind} ${jobs[0]?.scope.name}` : `any of ${jobs.length} scopes`}`
  throw new TurnpikeError('E_NO_CALLS', `nothing to convert${names === '' ? '' : ` in ${names}`}: ${what}`)
}

function isNarrowed(summary: ConversionSummary): boolean {
  return summary.deselected > 0 || summary.scopes_deselected > 0
}

function noteDealt(dealt: Map<string, Map<string, ScopeInfo>>, split: Split | null, scope: ScopeInfo): void {
  if (split === null) return
  const part = choosePart(split, scope)
  const known = dealt.get(part) ?? new Map<string, ScopeInfo>()
  dealt.set(part, known.set(scope.id, scope))
}

async function commit(rows: RowFiles | null): Promise<readonly WrittenFile[]> {
  return rows === null ? [] : rows.commit()
}

async function tell(
  context: CommandContext,
  summary: ConversionSummary,
  plan: { readonly format: string; readonly policy: string },
  { split }: Place,
  files: readonly WrittenFile[],
  dealt: ReadonlyMap<string, ReadonlyMap<string, ScopeInfo>>,
): Promise<number> {
  const scopes = new Map([...dealt].map(([part, own]) => [part, [...own.values()]]))
  const parts = split === null ? null : reportSplit(split, files, scopes)
  if (context.json)
    await context.output.writeJson({
      format: plan.format,
      policy: plan.policy,
      ...summary,
      files: files.map(({ path, part, rows, generations }) => ({ path, part, rows, generations })),
      ...(split === null ? {} : { split: { by: split.by, seed: split.seed, parts } }),
    })
  for (const line of [...describeConversion(summary), ...describeSplit(parts ?? [])]) context.output.note(line)
  // Nothing but what cannot be read is no success, though the sums hold.
  return holds(summary) && !(summary.calls === 0 && summary.undecodable > 0) ? 0 : 1
}
