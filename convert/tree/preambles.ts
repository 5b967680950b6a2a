// Versions of what conversations begin with: leading system text and tools. Two calls that say the same have the same one, and a request
// that goes on from an answer the server keeps has that answer's, without saying so. Beside load.ts; decides nothing about links.

import type { Block, Conversation, EpochMs, Exchange, ToolDefinition } from '../../core/types.ts'
import { isObject } from '../../protocols/_json.ts'
import { namePreamble } from './blocks.ts'

export interface Preamble {
  readonly system: Conversation['system']
  readonly tools: readonly ToolDefinition[]
}

type Timed = Pick<Exchange, 'startedAt' | 'id'>

interface Beginning extends Timed {
  readonly preamble: number
  readonly answerId: string | null
  readonly previousAnswerId: string | null
}

export interface Preambles {
  readonly add: (call: Exchange, conversation: Conversation) => number
  /** Calls that name this one's answer have its system text. */
  readonly note: (call: Beginning) => void
  /** The calls in their order: an answer that came after what goes on from it is known by now. */
  readonly settle: <C extends Beginning>(calls: readonly C[]) => C[]
  readonly list: () => Preamble[]
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

function isEarlier(one: Timed, other: Timed): boolean {
  return one.startedAt < other.startedAt || (one.startedAt === other.startedAt && one.id < other.id)
}

export function createPreambles(): Preambles {
  const versions = createVersions()
  /** What the calls say themselves that have more from the answer they go on from. */
  const inheriting = new Map<string, Preamble>()
  const ofAnswer = new Map<string, number>()
  /** System text of a delta is added to what the server has, unless it only says that again. */
  const inherit = (parent: number | undefined, { system, tools }: Preamble, call: Timed): number => {
    const before = (parent === undefined ? undefined : versions.read(parent)?.system) ?? []
    const isSame = namePreamble({ system, tools: [] }) === namePreamble({ system: before, tools: [] })
    return versions.add({ system: isSame ? before : [...before, ...system], tools }, call)
  }

  return {
    add: (call, conversation) => {
      if (!inheritsPreamble(conversation)) return versions.add(conversation, call)
      const own = { system: conversation.system, tools: conversation.tools }
      inheriting.set(call.id, own)
      return inherit(ofAnswer.get(String(conversation.extra['previous_response_id'])), own, call)
    },
    note: call => {
      if (call.answerId !== null) ofAnswer.set(call.answerId, call.preamble)
    },
    settle: calls => {
      const known = new Map<string, number>()
      return calls.map(call => {
        const own = inheriting.get(call.id)
        const parent = own === undefined ? undefined : known.get(call.previousAnswerId ?? '')
        const preamble = own === undefined || parent === undefined ? call.preamble : inherit(parent, own, call)
        if (call.answerId !== null) known.set(call.answerId, preamble)
        return preamble === call.preamble ? call : { ...call, preamble }
      })
    },
    list: versions.list,
  }
}

/** Of those that differ in spelling only, the one of the earliest call is shown. */
function createVersions() {
  const versions: Array<{ readonly preamble: Preamble; readonly startedAt: EpochMs; readonly id: string }> = []
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

  return {
    add: (conversation: Preamble, call: Timed): number => {
      const name = findName(conversation)
      const known = byName.get(name)
      const version = {
        preamble: { system: conversation.system, tools: conversation.tools },
        startedAt: call.startedAt,
        id: call.id,
      }
      if (known === undefined) {
        byName.set(name, versions.length)
        return versions.push(version) - 1
      }
      const before = versions[known]
      if (before !== undefined && isEarlier(version, before)) versions[known] = version
      return known
    },
    read: (index: number): Preamble | undefined => versions[index]?.preamble,
    list: (): Preamble[] => versions.map(version => version.preamble),
  }
}
