// `turnpike score`: the scores of a run, computed again from the store. Needs no agent and no model.

import { writeScoreJson } from '../../judge/score.ts'
import { renderTerminal } from '../../report/terminal.ts'
import { decodeNew } from '../derive.ts'
import { readRunReport } from '../run-results.ts'
import { readRunId, readScopes } from '../scopes.ts'
import { useStore } from '../store-access.ts'
import type { CommandSpec } from './_command.ts'

export const scoreCommand: CommandSpec = {
  usage: 'score <run>',
  group: 'Derive',
  summary: 'Scores of a run, each with its denominator and interval',
  keys: ['prices'],
  examples: ['turnpike score latest', 'turnpike score latest --json | jq ".agents[].dataset_score"'],
  run: context =>
    useStore(context, {}, async store => {
      const name = context.arguments[0] ?? ''
      const runId = await readRunId(store, name)
      await decodeNew(store, context, (await readScopes(store, runId)).scopes)
      const report = await readRunReport(store, runId)
      if (context.json) await context.output.writeJson(writeScoreJson(report.score))
      else await context.output.write(renderTerminal(report, { width: context.output.columns, color: context.output.useColour }))
      return 0
    }),
}
