// `turnpike tree --follow`: looks again while calls are made, until the trial or run is over or the person has seen enough.

import { setTimeout as sleep } from 'node:timers/promises'
import { createScreen, type ScreenStream } from '../report/live-screen.ts'
import type { Ref, Store } from '../store/_adapter.ts'
import type { CommandContext } from './commands/_command.ts'
import { openLiveTrees } from './live-trees.ts'
import type { ReadTree } from './read-trees.ts'
import { writeCalls } from './tree-json.ts'
import { describeAlone } from './tree-view.ts'

const pollMs = 500

export interface TreeScreen {
  readonly show: (trees: readonly ReadTree[]) => void
  /** Leaves all of it. */
  readonly done: () => void
}

export async function followTrees(context: CommandContext, store: Store, ref: Ref, screen: TreeScreen | null): Promise<number> {
  const { signal } = context
  const told = new Set<string>()
  const trees = openLiveTrees(store, ref)
  while (!signal.aborted) {
    const lookedAt = Date.now()
    // Asked first: what was recorded before the end is then seen in any case.
    const isOver = await hasEnded(store, ref)
    const grown = await trees.next(signal)
    if (grown !== null) {
      if (screen !== null) screen.show(grown)
      else await tellNew(context, grown, told)
    }
    if (isOver) break
    // Never more than half of the time: a large session is drawn less often.
    await sleep(Math.max(pollMs, Date.now() - lookedAt), undefined, { signal }).catch(() => {})
  }
  screen?.done()
  return 0
}

/** The newest lines, as many as fit, drawn over those before; at the end all of them. */
export function createTreeScreen(
  stream: ScreenStream,
  draw: (trees: readonly ReadTree[], width: number) => readonly string[],
): TreeScreen {
  const screen = createScreen(stream)
  let last: readonly ReadTree[] = []
  const drawAll = (): readonly string[] => {
    const lines = draw(last, screen.size().width)
    return lines.length === 0 ? ['no calls yet'] : lines
  }
  const redraw = (): void => {
    const lines = drawAll()
    const { height } = screen.size()
    const above = lines.length - height + 2
    // What it is about stays in sight.
    screen.draw(lines.length <= height ? lines : [lines[0] ?? '', `⋮ ${above - 1} lines above`, ...lines.slice(above)])
  }
  stream.on('resize', redraw)
  return {
    show: trees => {
      last = trees
      redraw()
    },
    done: () => {
      stream.removeListener('resize', redraw)
      screen.print(drawAll(), [])
    },
  }
}

async function tellNew(context: CommandContext, trees: readonly ReadTree[], told: Set<string>): Promise<void> {
  for (const read of trees) {
    const fresh = [...read.tree.calls.entries()].filter(([, { call }]) => !told.has(call.id))
    if (fresh.length === 0) continue
    const rows = context.json ? writeCalls(read) : []
    for (const [index, call] of fresh) {
      told.add(call.call.id)
      if (context.json) await context.output.writeJson(rows[index] ?? {})
      else await context.output.write(`${describeAlone(read, call, context.output)}\n`)
    }
  }
}

/** A session has no end of its own. */
async function hasEnded(store: Store, ref: Ref): Promise<boolean> {
  if (ref.kind === 'trial') return (await store.list('trials', { id: ref.id })).every(trial => trial.state === 'ended')
  if (ref.kind === 'run') return (await store.list('runs', { id: ref.id })).every(run => run.state !== 'running')
  return ref.kind === 'exchange'
}
