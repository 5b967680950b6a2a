// Who may use the proxy of a run: its trials, by their tokens. An agent that leaves out its token would have calls that count for nobody and
// stand in no budget. Stands before the budgets' own check; knows nothing else of a request.

import { TurnpikeError } from '../core/errors.ts'
import type { GateOptions } from './gate.ts'

type Admit = GateOptions['admit']

/** Refuses what no trial's token came with; the rest is for `admit` to decide. */
export function refuseStrangers(admit?: Admit): Admit {
  return async asked => {
    if (asked.resolved.scope.kind === 'trial') return (await admit?.(asked)) ?? null
    return new TurnpikeError('E_TOKEN_UNKNOWN', `${asked.method} ${asked.path} came without the token of a running trial`)
  }
}
