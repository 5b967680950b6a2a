// `turnpike tree`: how the calls of a session hang together, drawn or as JSON; with --follow while they are made. Reads, writes nothing.

import { listStoreScopes } from '../../convert/sources/store-scopes.ts'
import { TurnpikeError } from '../../core/errors.ts'
import type { Ref, Store } from '../../store/_adapter.ts'
import { type ReadTree, readTree } from '../read-trees.ts'
import { useStore } from '../store-access.ts'
import { createTreeScreen, followTrees, type TreeScreen } from '../tree-follow.ts'
import { writeTrees } from '../tree-json.ts'
import { drawTree } from '../tree-view.ts'
import type { CommandContext, CommandSpec } from './_command.ts'

export const treeCommand: CommandSpec = {
  usage: 'tree <ref>',
  group: 'Look into the store',
  summary: 'Draw how calls hang together: lanes, branches, sub-agents, retries',
  description:
    'A line per call: time, turn, how it is linked, tokens of context and answer, tools called, why it stopped. ● begins a lane, what branches\n' +
    'off a call stands indented below it; ✗ generated nothing, ≈ was not continued. docs/convert.md explains the links.',
  options: [
    { flags: '--evidence', meaning: 'Show below each call what its link rests on.' },
    { flags: '--all', meaning: 'Show every call; else long runs of calls that merely went on are folded in large sessions.' },
    {
      flags: '--follow',
      meaning: 'Go on while calls are made: redrawn on a terminal, else a line (with --json a document) per new call.',
    },
  ],
  examples: [
    'turnpike tree my-session',
    'turnpike tree latest --evidence',
    'turnpike tree my-session --json | jq ".calls[].relation"',
  ],
  run: context =>
    useStore(context, { readOnly: true }, async store => {
      const ref = await store.resolveRef(context.arguments[0] ?? '')
      if (context.options['follow'] === true) return followTrees(context, store, ref, createFollowScreen(context))
      const trees = await readTrees(context, store, ref)
      if (trees.every(({ tree }) => tree.calls.length + tree.scope.undecodable === 0))
        throw new TurnpikeError('E_NO_CALLS', `${ref.kind} "${ref.name}" has no calls`)
      if (context.json) await context.output.writeJson({ id: ref.id, kind: ref.kind, name: ref.name, ...writeTrees(trees) })
      else await context.output.write(`${drawAll(context, trees).join('\n')}\n`)
      return 0
    }),
}

async function readTrees(context: CommandContext, store: Store, ref: Ref): Promise<ReadTree[]> {
  const trees: ReadTree[] = []
  for (const scope of await listStoreScopes(store, [ref])) trees.push(await readTree(store, scope, context.signal))
  return trees
}

function drawAll({ options, output }: Pick<CommandContext, 'options' | 'output'>, trees: readonly ReadTree[]): string[] {
  const view = { all: options['all'] === true, evidence: options['evidence'] === true }
  return trees.filter(({ tree }) => tree.calls.length + tree.scope.undecodable > 0).flatMap(tree => drawTree(tree, view, output))
}

/** Null where nothing can be redrawn. */
function createFollowScreen({ options, output, json, environment }: CommandContext): TreeScreen | null {
  if (json || !output.isStdoutTty || environment['TERM'] === 'dumb') return null
  return createTreeScreen(process.stdout, (trees, columns) => drawAll({ options, output: { ...output, columns } }, trees))
}
