// `turnpike tree --follow`: looks again when calls have ended, until the trial or run is over or the person has seen enough.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Exchange } from '../core/types.ts'
import type { Ref, Store } from '../store/_adapter.ts'
import type { CommandContext } from './commands/_command.ts'
import type { ReadTree } from './read-trees.ts'
import { writeCalls } from './tree-json.ts'
import { describeAlone } from './tree-view.ts'

const pollMs = 500

export interface Screen {
  readonly show: (trees: readonly ReadTree[]) => void
  readonly done: () => void
}

export async function followTrees(
  context: CommandContext,
  store: Store,
  ref: Ref,
  readTrees: (context: CommandContext, store: Store, ref: Ref) => Promise<ReadTree[]>,
  screen: Screen | null,
): Promise<number> {
  const told = new Set<string>()
  let before = -1
  while (!context.signal.aborted) {
    const lookedAt = Date.now()
    // Asked first: what was recorded before the end is then seen in any case.
    const isOver = await hasEnded(store, ref)
    const ended = countEnded(await listExchanges(store, ref))
    if (ended !== before) {
      const trees = await readTrees(context, store, ref).catch((error: unknown) => {
        if (context.signal.aborted) return []
        throw error
      })
      before = ended
      if (screen !== null) screen.show(trees)
      else await tellNew(context, trees, told)
    }
    if (isOver) break
    // Never more than half of the time: a large session is drawn less often.
    await sleep(Math.max(pollMs, Date.now() - lookedAt), undefined, { signal: context.signal }).catch(() => {})
  }
  screen?.done()
  return 0
}

async function tellNew(context: CommandContext, trees: readonly ReadTree[], told: Set<string>): Promise<void> {
  for (const read of trees) {
    const rows = context.json ? writeCalls(read) : []
    for (const [index, call] of read.tree.calls.entries()) {
      if (told.has(call.call.id)) continue
      told.add(call.call.id)
      if (context.json) await context.output.writeJson(rows[index] ?? {})
      else await context.output.write(`${describeAlone(read, call, context.output)}\n`)
    }
  }
}

function listExchanges(store: Store, ref: Ref): Promise<Exchange[]> {
  if (ref.kind === 'exchange') return store.exchanges({ id: ref.id })
  return store.exchanges(ref.kind === 'run' ? { runId: ref.id } : { scopeId: ref.id })
}

function countEnded(exchanges: readonly Exchange[]): number {
  return exchanges.filter(exchange => exchange.outcome !== 'in-flight').length
}

/** A session has no end of its own. */
async function hasEnded(store: Store, ref: Ref): Promise<boolean> {
  if (ref.kind === 'trial') return (await store.list('trials', { id: ref.id })).every(trial => trial.state === 'ended')
  if (ref.kind === 'run') return (await store.list('runs', { id: ref.id })).every(run => run.state !== 'running')
  return ref.kind === 'exchange'
}
