// `turnpike agents`: the agents a run can name, as their adapters describe themselves.

import { agents } from '../../runner/agents/_all.ts'
import { drawTable } from '../table.ts'
import type { CommandSpec } from './_command.ts'

export const agentsCommand: CommandSpec = {
  usage: 'agents',
  group: 'Set up',
  summary: 'List the agents there are',
  examples: ['turnpike agents', 'turnpike agents --json'],
  run: async ({ json, output }) => {
    const rows = agents.map(agent => ({
      id: agent.id,
      title: agent.title,
      protocols: [...agent.protocols],
      needs_model: agent.needsModel,
    }))
    if (json) await output.writeJson(rows)
    else {
      const cells = rows.map(row => [row.id, row.title, row.protocols.join(', ') || '–', row.needs_model ? 'yes' : 'no'])
      await output.write(drawTable(['agent', 'what it is', 'protocols', 'needs a model'], cells, output))
    }
    return 0
  },
}
