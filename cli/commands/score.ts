// `turnpike score`: the scores of a run, computed again from the store. Needs no agent and no model.

import { scoreRun, writeScoreJson } from '../../judge/score.ts'
import { renderTerminal } from '../../report/terminal.ts'
import { decodeNew } from '../derive.ts'
import { readRunReport } from '../run-results.ts'
import { readScopes } from '../scopes.ts'
import { useStore } from '../store-access.ts'
import type { CommandSpec } from './_command.ts'
