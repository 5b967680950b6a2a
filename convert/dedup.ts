// Which trajectories say the same: by the hash of what they hold, ids, times and token counts aside. Pure; whoever converts asks for the
// prints of a scope first and leaves out what an earlier scope has. What hangs together is left out together or not at all.

import { createHash, type Hash } from 'node:crypto'
import type { Block } from '../core/types.ts'
import type { PolicyId, Trajectory } from './trajectory.ts'

/** What can be exported or left out as a whole: a row that stands for itself, or a conversation with all that branches off it. */
export interface Print {
  readonly digest: string
  /** Ids of its trajectories, the first one first. */
  readonly ids: readonly string[]
}

export interface Duplicate {
  readonly scope: string
  readonly id: string
  /** The trajectory that is exported in its stead. */
  readonly of: { readonly scope: string; readonly id: string }
}

/** Rows that are complete without another row. */
const standalone: ReadonlySet<PolicyId> = new Set(['calls', 'exact', 'tolerant', 'tokens'])

export function printTrajectories(trajectories: Iterable<Trajectory>, policy: PolicyId): Print[] {
  const found: Array<{ digest: string; id: string; parent: number | null }> = []
  const ownerOf = new Map<string, number>()
  const byId = new Map<string, number>()
  for (const trajectory of trajectories) {
    const parent = standalone.has(policy) ? undefined : findParent(trajectory, ownerOf, byId)
    byId.set(trajectory.id, found.length)
    for (const { generation } of trajectory.steps) if (generation !== null) ownerOf.set(generation.callId, found.length)
    found.push({ digest: hashTrajectory(trajectory, parent !== undefined), id: trajectory.id, parent: parent ?? null })
  }
  // Parents come before what hangs on them, so that going backwards every family is complete when it is reached.
  const children = found.map((): Array<{ digest: string; ids: string[] }> => [])
  const prints: Print[] = []
  for (const [index, { digest, id, parent }] of [...found.entries()].reverse()) {
    const members = (children[index] ?? []).reverse()
    const family = createHash('sha256').update(digest)
    for (const member of members.map(one => one.digest).sort()) family.update(member)
    const print = { digest: family.digest('hex'), ids: [id, ...members.flatMap(one => one.ids)] }
    if (parent === null) prints.push(print)
    else children[parent]?.push(print)
  }
  return prints.reverse()
}

/** A part of a tree hangs on a part that perhaps generated nothing; what hangs on nothing that is there begins a family. */
function findParent(
  { parent }: Trajectory,
  ownerOf: ReadonlyMap<string, number>,
  byId: ReadonlyMap<string, number>,
): number | undefined {
  if (parent === null) return undefined
  return (parent.continuesAt === undefined ? undefined : byId.get(parent.continuesAt.trajectoryId)) ?? ownerOf.get(parent.callId)
}

export interface Duplicates {
  /** Ids of the scope's trajectories that were seen before; the others count as seen from now on. */
  readonly add: (scope: string, prints: readonly Print[]) => ReadonlySet<string>
  /** One for each conversation or row left out. */
  readonly found: () => readonly Duplicate[]
}

export function createDuplicates(): Duplicates {
  const seen = new Map<string, { readonly scope: string; readonly id: string }>()
  const found: Duplicate[] = []
  return {
    add: (scope, prints) => {
      const dropped = new Set<string>()
      for (const { digest, ids } of prints) {
        const of = seen.get(digest)
        const id = ids[0] ?? ''
        if (of === undefined) seen.set(digest, { scope, id })
        else {
          found.push({ scope, id, of })
          for (const member of ids) dropped.add(member)
        }
      }
      return dropped
    },
    found: () => found,
  }
}

function hashTrajectory(trajectory: Trajectory, hangsOn: boolean): string {
  const hash = createHash('sha256')
  const numbers = new Map<string, number>()
  const add = (value: unknown): void => addText(hash, JSON.stringify(value) ?? '')
  add([trajectory.kind, trajectory.side, trajectory.model, trajectory.breakReason, hangsOn ? trajectory.parent?.relation : null])
  add(trajectory.system.map(block => nameBlock(block, numbers)))
  add(trajectory.tools.map(tool => [tool.name, tool.description, tool.schema]))
  for (const { message, generation, copied, tokens } of trajectory.steps) {
    add([message.role, generation === null ? null : [generation.partial, generation.stopReason], copied, tokens?.ids ?? null])
    for (const block of message.blocks) add(nameBlock(block, numbers))
  }
  for (const { step, type, boundary, preamble } of trajectory.boundaries)
    add([step, type, boundary, preamble?.system.map(block => nameBlock(block, numbers)) ?? null])
  return hash.digest('hex')
}

/** Length first: two texts one after the other are never taken for one. */
function addText(hash: Hash, text: string): void {
  hash.update(`${text.length}:`).update(text)
}

/** What a block says. Ids of tool calls become their number in order, signatures and cache marks say nothing. */
function nameBlock(block: Block, numbers: Map<string, number>): unknown {
  const numberOf = (id: string): number => {
    const known = numbers.get(id) ?? numbers.size
    numbers.set(id, known)
    return known
  }
  switch (block.kind) {
    case 'tool-call':
      return [block.kind, numberOf(block.id), block.name, block.inputText]
    case 'tool-result':
      return [block.kind, numberOf(block.callId), block.isError, block.content.map(inner => nameBlock(inner, numbers))]
    case 'thinking':
      return [block.kind, block.text, block.redacted !== undefined]
    case 'opaque':
      return [block.kind, block.type, block.raw]
    case 'image':
      return [block.kind, block.mediaType, block.data]
    default:
      return [block.kind, block.text]
  }
}
