// Lanes through the call tree: the maximal runs of calls in which each continues the one before it. Pure.
// Every generation is on exactly one lane step or is one alternative of it; calls that generated nothing hang on a lane or stand apart.

import { groupRetries, type Retries } from './retries.ts'
import type { CallTree, TreeCall } from './tree.ts'

export interface LaneStep {
  readonly call: TreeCall
  /** Other answers to the same request that nothing continues: retries whose result was thrown away. */
  readonly alternatives: readonly TreeCall[]
  /** There are other answers and none was continued: which of them the client used is not known. */
  readonly unresolvedRetry: boolean
}

export interface Lane {
  readonly kind: 'root' | 'fork' | 'subagent' | 'side'
  readonly steps: readonly LaneStep[]
  /** Calls that generated nothing and belong here: failed tries of a step, or what came after its last one. */
  readonly failed: readonly TreeCall[]
  /** Of a sub-agent whose tool call is known: its last words stand in that call's result. Null where that cannot be said. */
  readonly returned: boolean | null
}

export interface Lanes {
  /** In the order of their first calls. */
  readonly lanes: readonly Lane[]
  /** Calls without a generation that no lane can claim. */
  readonly stray: readonly TreeCall[]
}

export function buildLanes(tree: CallTree): Lanes {
  const generating = tree.calls.filter(call => call.answer !== null)
  const parents = findParents(tree)
  const reach = findReach(tree, parents)
  const retries = groupRetries(generating, reach)
  const next = chooseNext(generating, parents, retries, reach)
  const continued = new Set([...next.values()].map(call => call.index))
  const lanes: Array<Omit<Lane, 'returned'> & { readonly failed: TreeCall[] }> = []
  const laneOf = new Map<number, number>()
  for (const first of generating) {
    if (continued.has(first.index) || retries.alternatives.has(first.index)) continue
    const steps: LaneStep[] = []
    for (let call: TreeCall | undefined = first; call !== undefined; call = next.get(call.index)) {
      const alternatives: readonly TreeCall[] = retries.besides.get(call.index) ?? []
      const unresolvedRetry = alternatives.length > 0 && reach[call.index] === call.index
      steps.push({ call, alternatives, unresolvedRetry })
      for (const member of [call, ...alternatives]) laneOf.set(member.index, lanes.length)
    }
    lanes.push({ kind: readKind(first, parents), steps, failed: [] })
  }
  const stray = placeFailed(tree, generating, laneOf, lanes)
  const results = lanes.some(lane => lane.kind === 'subagent') ? indexResults(tree) : null
  return { lanes: lanes.map(lane => ({ ...lane, returned: readReturn(tree, lane, results) })), stray }
}

/** Sub-agents and side calls begin lanes of their own, wherever they hang. */
function joins({ relation }: TreeCall['link']): boolean {
  return relation !== 'subagent' && relation !== 'side'
}

/** The call a lane could go on from: the nearest above that generated something; -1 = none. */
function findParents({ calls }: CallTree): Int32Array {
  const parents = new Int32Array(calls.length)
  for (const { index, link } of calls) {
    const parent = link.parent === null || !joins(link) ? undefined : calls[link.parent]
    parents[index] = parent === undefined ? -1 : parent.answer === null ? (parents[parent.index] ?? -1) : parent.index
  }
  return parents
}

/** Latest call of each subtree; parents come before children in the order. What generated nothing leads nowhere. */
function findReach({ calls }: CallTree, parents: Int32Array): Int32Array {
  const reach = Int32Array.from(calls, call => call.index)
  for (let index = calls.length - 1; index >= 0; index -= 1) {
    const parent = parents[index] ?? -1
    const own = reach[index] ?? index
    if (parent >= 0 && calls[index]?.answer !== null && (reach[parent] ?? 0) < own) reach[parent] = own
  }
  return reach
}

/** Each call's continuation: the child whose subtree reaches furthest. Its other children start lanes of their own. */
function chooseNext(
  generating: readonly TreeCall[],
  parents: Int32Array,
  { alternatives }: Retries,
  reach: Int32Array,
): Map<number, TreeCall> {
  const next = new Map<number, TreeCall>()
  for (const call of generating) {
    const parent = parents[call.index] ?? -1
    if (parent < 0 || alternatives.has(call.index)) continue
    const chosen = next.get(parent)
    if (chosen === undefined || isFurther(call, chosen, reach)) next.set(parent, call)
  }
  return next
}

/** A call that is continued is further than any single one, however late. */
function isFurther(call: TreeCall, chosen: TreeCall, reach: Int32Array): boolean {
  const [reachCall, reachChosen] = [reach[call.index] ?? 0, reach[chosen.index] ?? 0]
  const [goesOn, chosenGoesOn] = [reachCall !== call.index, reachChosen !== chosen.index]
  return goesOn === chosenGoesOn ? reachCall > reachChosen : goesOn
}

function readKind({ index, link }: TreeCall, parents: Int32Array): Lane['kind'] {
  if (link.relation === 'subagent' || link.relation === 'side') return link.relation
  return (parents[index] ?? -1) < 0 ? 'root' : 'fork'
}

/** A failed call goes to the lane of a call that asked the same, else to that of its parent or of what goes on from it. */
function placeFailed(
  tree: CallTree,
  generating: readonly TreeCall[],
  laneOf: ReadonlyMap<number, number>,
  lanes: ReadonlyArray<{ readonly failed: TreeCall[] }>,
): TreeCall[] {
  const asked = new Map(generating.map(call => [`${call.requestNode} ${call.link.parent}`, call.index]))
  /** What a call that generated nothing prepared, and what goes on from it. */
  const prepared = new Map<number, number>()
  const followers = new Map<number, number>()
  for (const { index, link, declared } of [...generating].reverse()) {
    if (declared !== null) prepared.set(declared, index)
    if (link.parent !== null) followers.set(link.parent, index)
  }
  const stray: TreeCall[] = []
  for (const call of tree.calls) {
    if (call.answer !== null) continue
    const { index, requestNode, link } = call
    const owners = [prepared.get(index), asked.get(`${requestNode} ${link.parent}`), link.parent, followers.get(index)]
    const lane = owners.flatMap(owner => (owner == null ? [] : (laneOf.get(owner) ?? [])))[0]
    const failed = lane === undefined ? undefined : lanes[lane]?.failed
    if (failed === undefined) stray.push(call)
    else failed.push(call)
  }
  return stray
}

interface Results {
  /** Text of the first result of a tool call, as those that go on from its answer have it. */
  readonly find: (parent: number, callId: string) => string | undefined
}

function indexResults({ calls, scope: { history } }: CallTree): Results {
  const own = new Map<string, string>()
  /** By id alone; null = several calls have it. */
  const named = new Map<string, string | null>()
  for (const { request, link } of calls) {
    if (link.parent === null || link.kind === 'textual') continue
    for (const node of history.nodesFrom(request, link.known)) {
      const { block, callId } = history.blockOf(node)
      if (block.kind !== 'tool-result' || callId === null) continue
      const text = block.content.map(part => (part.kind === 'text' ? part.text : '')).join('\n')
      const name = `${link.parent} ${callId}`
      if (!own.has(name)) own.set(name, text)
      named.set(callId, (named.get(callId) ?? text) === text ? text : null)
    }
  }
  return { find: (parent, callId) => own.get(`${parent} ${callId}`) ?? named.get(callId) ?? undefined }
}

function readReturn({ scope: { history } }: CallTree, lane: Pick<Lane, 'steps'>, results: Results | null) {
  const [first, last] = [lane.steps[0]?.call, lane.steps.at(-1)?.call]
  const { via = null, parent = null, relation = null } = first?.link ?? {}
  const result = via === null || parent === null ? undefined : results?.find(parent, via)
  if (relation !== 'subagent' || result === undefined || last === undefined || last.answer === null) return null
  const said = history.between(last.request, last.answer).flatMap(node => {
    const { block } = history.blockOf(node)
    return block.kind === 'text' && block.text.trim() !== '' ? [block.text.trim()] : []
  })
  const words = said.at(-1)
  return words === undefined ? null : result.includes(words)
}
