// `turnpike agents`: the agents a run can name, as their adapters describe themselves; `agents install` fetches programs beforehand,
// `agents prune` removes what nobody needs any more.

import { TurnpikeError } from '../../core/errors.ts'
import { findAgent } from '../../runner/agents/_all.ts'
import { hasVersions } from '../../runner/agents/_choices.ts'
import { pinLayer } from '../../runner/agents/_programs.ts'
import { type PrunedLayer, pruneLayers } from '../../runner/layer-prune.ts'
import { prepareLayer } from '../../runner/layers.ts'
import { drawAgents, listAgents } from '../agents-view.ts'
import { cacheDirectory } from '../machine-places.ts'
import type { CommandContext, CommandSpec } from './_command.ts'

export const agentsCommand: CommandSpec = {
  usage: 'agents [action] [names...]',
  group: 'Set up',
  summary: 'List the agents there are, and install their programs',
  description:
    'Programs are npm packages in the versions that were tried, kept once per version in a cache; a run installs what it needs by itself.\n' +
    '`agents install NAME…` does it beforehand; NAME@VERSION takes another version.\n' +
    '`agents prune` removes programs of Turnpike itself that another version has left; with NAME all of that agent but what this Turnpike\n' +
    'uses, with NAME@VERSION that one. What a living run uses is kept.',
  keys: ['agents.directory'],
  options: [{ flags: '--dry-run', meaning: 'With prune: say what would be removed, and remove nothing.' }],
  examples: [
    'turnpike agents',
    'turnpike agents --json',
    'turnpike agents install claude-code codex',
    'turnpike agents prune --dry-run',
    'turnpike agents prune codex@0.168.0',
  ],
  run: async context => {
    const [action, ...names] = context.arguments
    const directory = context.config.agents.directory ?? cacheDirectory(context.environment, 'agents')
    if (context.options['dryRun'] === true && action !== 'prune')
      throw new TurnpikeError('E_USAGE', '--dry-run is for turnpike agents prune')
    if (action === 'install') return install(context, directory, names)
    if (action === 'prune') return prune(context, directory, names)
    if (action !== undefined) {
      throw new TurnpikeError('E_USAGE', `unknown action "${action}"`, {
        hint: 'turnpike agents, turnpike agents install NAME, or turnpike agents prune',
      })
    }
    const rows = listAgents(directory, context.environment['PATH'] ?? '')
    if (context.json) await context.output.writeJson(rows)
    else await context.output.write(drawAgents(rows, context.output))
    return 0
  },
}

async function install(context: CommandContext, directory: string, names: readonly string[]): Promise<number> {
  if (names.length === 0) throw new TurnpikeError('E_USAGE', 'no agent given', { hint: 'turnpike agents install NAME…' })
  // All of them are looked up before the first is installed.
  const layers = names.map(name => {
    const [id = '', version] = name.split('@', 2)
    const agent = findAgent(id)
    if (version !== undefined && agent.layer !== null && !hasVersions(agent))
      throw new TurnpikeError('E_USAGE', `${id} has no versions to choose from`, { hint: `turnpike agents install ${id}` })
    if (agent.layer !== null) return { id, layer: pinLayer(agent.layer, version) }
    const hint = agent.ownProgram === undefined ? 'it is built in' : `install it yourself: ${agent.ownProgram.install}`
    throw new TurnpikeError('E_USAGE', `${id} has no packages to install`, { hint })
  })
  const installed: Array<{ id: string; version: string; directory: string }> = []
  for (const { id, layer } of layers) {
    const { environment: env, signal, output } = context
    const place = await prepareLayer(layer, { directory, env, signal, onProgress: output.note })
    installed.push({ id, version: layer.version, directory: place })
  }
  if (context.json) await context.output.writeJson(installed)
  else await context.output.write(installed.map(({ id, version, directory: place }) => `${id} ${version}: ${place}\n`).join(''))
  return 0
}

async function prune({ options, json, output }: CommandContext, directory: string, names: readonly string[]): Promise<number> {
  const dryRun = options['dryRun'] === true
  const layers = await pruneLayers({ directory, names, dryRun })
  if (json) await output.writeJson({ dry_run: dryRun, directory, layers })
  else await output.write(describePruned(layers, dryRun))
  return 0
}

function describePruned(layers: readonly PrunedLayer[], dryRun: boolean): string {
  const lines = layers.map(({ directory, bytes, kept }) => {
    const what = kept === null ? (dryRun ? 'would be removed' : 'removed') : `kept: ${kept}`
    return `${directory}  ${writeMegabytes(bytes)}  ${what}\n`
  })
  const bytes = layers.filter(layer => layer.kept === null).reduce((sum, layer) => sum + layer.bytes, 0)
  return `${lines.join('')}${writeMegabytes(bytes)} ${dryRun ? 'could be freed' : 'freed'}\n`
}

const writeMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`
