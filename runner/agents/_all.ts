// Every agent there is. Adding one is one file and one line here.

import { TurnpikeError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import type { AgentAdapter } from './_adapter.ts'
import command from './command.ts'
import mini from './mini.ts'
import nop from './nop.ts'
import oracle from './oracle.ts'
import terminus from './terminus.ts'

export const agents: readonly AgentAdapter[] = [command, mini, nop, oracle, terminus]

export function findAgent(id: string): AgentAdapter {
  const found = agents.find(agent => agent.id === id)
  if (found) return found
  const known = agents.map(agent => agent.id)
  throw new TurnpikeError('E_AGENT_UNKNOWN', `unknown agent "${id}"; known agents: ${known.join(', ')}${didYouMean(id, known)}`)
}
