// Real agents as the script drives them, made from the adapters of the runner: one table of settings serves both.

import type { AgentAdapter, AgentContext, AgentDriver } from '../../../runner/agents/_adapter.ts'
import type { Drive, Place, RealAgent, Variant } from './_agent.ts'

interface Choice {
  /** Id of the variant. */
  readonly id: string
  readonly model: string
  readonly protocol: string
  readonly driver?: AgentDriver
}

function contextOf(adapter: AgentAdapter, { model, protocol }: Choice, place: Place): AgentContext {
  const { base, key, home, workspace } = place
  const baseUrls = { root: base, anthropic: base, openai: `${base}/v1` }
  return { spec: { id: adapter.id, model, protocol }, workspace, home, token: key, baseUrls, inImage: false }
}

export function variantOf(adapter: AgentAdapter, choice: Choice): Variant {
  const context = (place: Place): AgentContext => contextOf(adapter, choice, place)
  return {
    id: choice.id,
    protocol: choice.protocol,
    env: place => adapter.env(context(place)),
    files: place => {
      const files = Object.entries(adapter.files(context(place)))
      return Object.fromEntries(files.map(([path, text]) => [path.slice(place.home.length + 1), text]))
    },
    drive: driveOf(adapter, choice.driver ?? 'process', context),
  }
}

function driveOf(adapter: AgentAdapter, driver: AgentDriver, context: (place: Place) => AgentContext): Drive {
  const serve = (place: Place): readonly string[] => adapter.serve?.(driver, context(place), null).argv.slice(1) ?? []
  if (driver === 'acp') return { kind: 'acp', args: serve }
  if (driver === 'stream-json') {
    return {
      kind: 'lines',
      args: serve,
      line: prompt => JSON.stringify({ type: 'user', message: { role: 'user', content: prompt } }),
      endsTurn: line => line.startsWith('{') && (JSON.parse(line) as { readonly type?: string }).type === 'result',
    }
  }
  return {
    kind: 'process',
    turn: (place, prompt, session) => {
      const request = { instruction: prompt, session: session ?? place.uuid, continues: session !== null, solution: null }
      const command = adapter.command(request, context(place))
      return { args: command?.argv.slice(1) ?? [], ...(command?.stdin === undefined ? {} : { stdin: command.stdin }) }
    },
    ...(adapter.namesSessions === true ? { readSession: adapter.readSession } : {}),
  }
}

/** The first package of the adapter's layer is what is installed; `id` names the folder it is installed in. */
export function realAgentOf(adapter: AgentAdapter, id: string, variants: readonly Variant[]): RealAgent {
  const [installed] = adapter.layer?.packages ?? []
  const { name: npm, version } = installed ?? { name: '', version: '' }
  const program = adapter.layer?.programs?.[0] ?? ''
  return { id, title: adapter.title, npm, version, program, traps: adapter.traps ?? [], variants }
}

/** Every protocol of the list, a process per turn, under a name of its own. */
export const variantsOf = (adapter: AgentAdapter, choices: readonly Choice[]): Variant[] =>
  choices.map(choice => variantOf(adapter, choice))
