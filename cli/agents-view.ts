// The agents as `turnpike agents` tells of them: what each can, which program it needs, and whether that is here. Looks only.

import type { AgentAdapter } from '../runner/agents/_adapter.ts'
import { agents } from '../runner/agents/_all.ts'
import { hasVersions } from '../runner/agents/_choices.ts'
import { isOnPath } from '../runner/file-access.ts'
import { isPrepared } from '../runner/layers.ts'
import type { Output } from './commands/_command.ts'
import { drawTable } from './table.ts'

export interface AgentRow {
  readonly id: string
  readonly title: string
  readonly protocols: readonly string[]
  readonly needs_model: boolean
  readonly drivers: readonly string[]
  /** Whether it can take a second request in a conversation; null: that depends on its command line. */
  readonly continues: boolean | null
  /** Of the program it was tried with; null when it has none or comes with its user. */
  readonly version: string | null
  readonly program: 'built in' | 'installed' | 'not installed' | 'on the path' | 'missing'
  /** What makes it available; null when nothing needs doing. */
  readonly install: string | null
  readonly tested: boolean
  /** Why it was not tried, and what should be known of it. */
  readonly notes: readonly string[]
}

export function listAgents(directory: string, path: string): AgentRow[] {
  return agents.map(agent => {
    const program = findProgram(agent, directory, path)
    return {
      id: agent.id,
      title: agent.title,
      protocols: [...agent.protocols],
      needs_model: agent.needsModel,
      drivers: [...agent.drivers],
      continues: agent.id === 'command' ? null : agent.resumes({ id: agent.id, model: 'any' }),
      version: hasVersions(agent) ? (agent.layer?.version ?? null) : null,
      program,
      install: nameInstall(agent, program),
      tested: agent.untested === undefined,
      notes: [...(agent.untested === undefined ? [] : [`untested: ${agent.untested}`]), ...(agent.traps ?? [])],
    }
  })
}

function findProgram(agent: AgentAdapter, directory: string, path: string): AgentRow['program'] {
  if (agent.layer?.entry !== undefined) return 'built in'
  if (agent.layer !== null) return isPrepared(agent.layer, directory) ? 'installed' : 'not installed'
  if (agent.ownProgram === undefined) return 'built in'
  const { name } = agent.ownProgram
  return isOnPath(name, path) ? 'on the path' : 'missing'
}

function nameInstall(agent: AgentAdapter, program: AgentRow['program']): string | null {
  if (program === 'not installed') return `turnpike agents install ${agent.id}`
  return program === 'missing' ? (agent.ownProgram?.install ?? null) : null
}

export function drawAgents(rows: readonly AgentRow[], output: Output): string {
  const head = ['agent', 'what it is', 'version', 'driven by', 'continues', 'protocols', 'program']
  const cells = rows.map(row => [
    ...[row.id, row.title, row.version, row.drivers.join(', '), nameContinues(row)],
    ...[row.protocols.join(', ') || null, row.tested ? row.program : `${row.program}, untested`],
  ])
  const missing = rows.filter(row => row.program === 'not installed').length
  const hint =
    missing === 0 ? '' : '\nWhat is not installed is installed once, when a run needs it, or with: turnpike agents install NAME\n'
  return drawTable(head, cells, output) + hint
}

function nameContinues({ continues }: AgentRow): string {
  if (continues === null) return 'as told'
  return continues ? 'yes' : 'no'
}
