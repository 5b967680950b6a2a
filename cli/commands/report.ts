// `turnpike report`: one run as a Markdown file, or on the terminal. Written from the store; needs no agent and no model.

import { resolve } from 'node:path'
import { TurnpikeError } from '../../core/errors.ts'
import { renderMarkdown } from '../../report/markdown.ts'
import { renderTerminal } from '../../report/terminal.ts'
import { decodeNew } from '../derive.ts'
import { snakeKeys } from '../json-keys.ts'
import { writeResult } from '../result-files.ts'
import { readRunReport } from '../run-results.ts'
import { readRunId, readScopes } from '../scopes.ts'
import { useStore } from '../store-access.ts'
import type { CommandSpec } from './_command.ts'

export const reportCommand: CommandSpec = {
  usage: 'report <run>',
  group: 'Derive',
  summary: 'Report of a run: scores, grid of turns, costs, failures',
  keys: ['prices'],
  options: [{ flags: '--out <file>', meaning: 'Write it there as Markdown (.md); without it the report goes to the terminal.' }],
  examples: ['turnpike report latest', 'turnpike report latest --out report.md', 'turnpike report latest --json'],
  run: context =>
    useStore(context, {}, async store => {
      const out = readOut(context.options['out'])
      const runId = await readRunId(store, context.arguments[0] ?? '')
      await decodeNew(store, context, (await readScopes(store, runId)).scopes)
      const report = await readRunReport(store, runId)
      if (out !== null) {
        const file = resolve(context.directory, out)
        await writeResult(file, renderMarkdown(report))
        if (context.json) await context.output.writeJson({ run: runId, file })
        else context.output.note(`wrote ${file}`)
      } else if (context.json) await context.output.writeJson(snakeKeys(report))
      else await context.output.write(renderTerminal(report, { width: context.output.columns, color: context.output.useColour }))
      return 0
    }),
}

function readOut(value: unknown): string | null {
  if (typeof value !== 'string') return null
  if (/\.(md|markdown)$/i.test(value)) return value
  throw new TurnpikeError('E_FORMAT_UNKNOWN', `cannot write a report as ${value}`, {
    hint: 'name a Markdown file: --out report.md',
  })
}
