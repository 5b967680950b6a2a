// Versions of what conversations begin with: leading system text and tools. Two calls that say the same have the same one, and a request
// that goes on from an answer the server keeps has that answer's, without saying so. Beside load.ts; decides nothing about links.

import type { Block, Conversation, ToolDefinition } from '../../core/types.ts'
import { isObject } from '../../protocols/_json.ts'
import { type Answering, compareCalls, createAnswerIds, type Timed } from './answered.ts'
import { namePreamble } from './blocks.ts'

export interface Preamble {
  readonly system: Conversation['system']
  readonly tools: readonly ToolDefinition[]
}

const EMPTY: Preamble = { system: [], tools: [] }

interface Placed extends Answering {
  readonly preamble: number
}

export interface Preambles {
  /** The version as far as the calls before this one tell. */
  readonly add: (call: Answering, conversation: Conversation) => number
  /** Of all calls, in their order: an answer that came after what goes on from it is known by now. */
  readonly settle: <C extends Placed>(calls: readonly C[]) => Settled<C>
}

interface Known {
  readonly call: Answering
  /** What a call says itself that has more from the answer it goes on from; null when it says all. */
  readonly own: Preamble | null
  readonly version: number
}

interface Settled<C> {
  readonly calls: C[]
  readonly preambles: Preamble[]
  /** Some call has another version than before. */
  readonly isChanged: boolean
}

/**
 * The server keeps what the answer named was generated from, but not `instructions`: a request that has them says again what everything
 * begins with.
 */
function inheritsPreamble({ extra, wire }: Conversation): boolean {
  const notes = Array.isArray(wire?.['system']) ? wire['system'] : []
  const hasInstructions = notes.some(note => isObject(note) && note['form'] === 'instructions')
  return typeof extra['previous_response_id'] === 'string' && !hasInstructions
}

export function createPreambles(): Preambles {
  const versions = createVersions()
  const byId = new Map<string, Known>()
  const answers = createAnswerIds<Answering>()
  const inherit = createInheritance()

  const findParent = (call: Answering): Known | undefined => byId.get(answers.findPrevious(call)?.id ?? '')
  /** From the first of a chain on, which may be as long as the session; a forged one may be a ring. */
  const resolve = (known: Known, resolved: Map<string, Preamble>): Preamble | undefined => {
    const chain = new Map<string, Preamble>()
    let at: Known | undefined = known
    for (; at?.own != null && !resolved.has(at.call.id) && !chain.has(at.call.id); at = findParent(at.call))
      chain.set(at.call.id, at.own)
    let preamble = at === undefined ? undefined : (resolved.get(at.call.id) ?? versions.read(at.version))
    for (const [id, own] of [...chain].reverse()) {
      preamble = inherit(preamble, own)
      resolved.set(id, preamble)
    }
    return preamble
  }

  return {
    add: (call, conversation) => {
      const own = inheritsPreamble(conversation) ? { system: conversation.system, tools: conversation.tools } : null
      const parent = own === null ? undefined : findParent(call)
      const version =
        own === null ? versions.say(conversation, call) : versions.find(inherit(parent && versions.read(parent.version), own))
      byId.set(call.id, { call, own, version })
      answers.note(call)
      return version
    },
    settle: calls => {
      const resolved = new Map<string, Preamble>()
      const shown = new Map<number, Preamble>()
      let isChanged = false
      const settled = calls.map(call => {
        const known = byId.get(call.id)
        const preamble = known?.own == null ? undefined : resolve(known, resolved)
        if (known === undefined || preamble === undefined) return call
        const version = versions.find(preamble)
        if (!shown.has(version)) shown.set(version, preamble)
        if (version === call.preamble) return call
        isChanged = true
        byId.set(call.id, { ...known, version })
        return { ...call, preamble: version }
      })
      return { calls: settled, preambles: versions.list(shown), isChanged }
    },
  }
}

/** System text of a delta is added to what the server has, unless it only says that again; the same two give the same object. */
function createInheritance(): (parent: Preamble | undefined, own: Preamble) => Preamble {
  const known = new WeakMap<Preamble, WeakMap<Preamble, Preamble>>()
  return (parent = EMPTY, own) => {
    const ofParent = known.get(parent) ?? new WeakMap<Preamble, Preamble>()
    known.set(parent, ofParent)
    const before = ofParent.get(own)
    if (before !== undefined) return before
    const isSame = namePreamble({ ...own, tools: [] }) === namePreamble({ ...parent, tools: [] })
    const preamble = { system: isSame ? parent.system : [...parent.system, ...own.system], tools: own.tools }
    ofParent.set(own, preamble)
    return preamble
  }
}

/** Of those that differ in spelling only, the one of the earliest call that says it whole is shown. */
function createVersions() {
  const said: Array<{ readonly preamble: Preamble; readonly by: Timed } | null> = []
  const byName = new Map<string, number>()
  /** A source that shares its objects is not asked to write them out again. */
  const bySystem = new WeakMap<readonly Block[], WeakMap<readonly ToolDefinition[], string>>()

  const findName = ({ system, tools }: Preamble): string => {
    const byTools = bySystem.get(system) ?? new WeakMap<readonly ToolDefinition[], string>()
    bySystem.set(system, byTools)
    const name = byTools.get(tools) ?? namePreamble({ system, tools })
    byTools.set(tools, name)
    return name
  }
  const find = (preamble: Preamble): number => {
    const name = findName(preamble)
    const known = byName.get(name)
    if (known !== undefined) return known
    byName.set(name, said.length)
    return said.push(null) - 1
  }

  return {
    find,
    say: ({ system, tools }: Preamble, by: Timed): number => {
      const version = find({ system, tools })
      const before = said[version] ?? null
      if (before === null || compareCalls(by, before.by) < 0) said[version] = { preamble: { system, tools }, by }
      return version
    },
    read: (version: number): Preamble | undefined => said[version]?.preamble,
    /** `inherited`: of those that no call says whole. One that no call has any more is empty. */
    list: (inherited: ReadonlyMap<number, Preamble>): Preamble[] =>
      said.map((version, index) => version?.preamble ?? inherited.get(index) ?? EMPTY),
  }
}
