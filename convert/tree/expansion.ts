// Requests that only point at an earlier answer (`previous_response_id`), with the history they point at put before them: such a call
// stands in the history where it would stand had it sent everything. A request that sends everything as well is left as it is.

import { createAnswerIds } from './answered.ts'
import type { History } from './history.ts'
import type { LoadedCall } from './load.ts'

export interface ExpandedCall {
  readonly call: LoadedCall
  /** History nodes of the whole request, and after its answer; null when nothing was generated. */
  readonly request: number
  readonly answer: number | null
  /** The recorded call whose answer it names; null when it names none, or one that was not recorded. */
  readonly declared: LoadedCall | null
  /** It names an answer, and has the history all the same. */
  readonly isWhole: boolean
}

export interface Expander {
  readonly note: (call: LoadedCall) => void
  readonly expand: (call: LoadedCall) => ExpandedCall
  /** Some expanded call names this answer. */
  readonly wasNamed: (answerId: string) => boolean
}

export function createExpander(history: History): Expander {
  const answers = createAnswerIds<LoadedCall>()
  const generated = new Set<number>()
  /** Whether an answer that was recorded stands in the conversation up to a node. */
  const holding = new Map<number, boolean>()
  const expanded = new Map<string, ExpandedCall>()
  const asked = new Set<string>()

  const holdsAnswer = (node: number): boolean => {
    const open: number[] = []
    let at = node
    let holds = false
    for (; at !== 0; at = history.parentOf(at)) {
      const known = holding.get(at)
      const { role, strong } = history.blockOf(at)
      holds = known ?? (role === 'assistant' && generated.has(strong))
      if (known !== undefined || holds) break
      open.push(at)
    }
    for (const passed of open) holding.set(passed, holds)
    return holds
  }

  const findDeclared = (call: LoadedCall): LoadedCall | null => {
    if (call.previousAnswerId !== null) asked.add(call.previousAnswerId)
    return answers.findPrevious(call)
  }

  /** The same blocks behind another beginning. */
  const graft = (onto: number, from: number, fromDepth: number): number => {
    let node = onto
    for (const member of history.nodesFrom(from, fromDepth)) {
      const joins = node !== 0 && history.blockOf(node).role === 'assistant' && history.blockOf(member).role === 'assistant'
      node = history.add(node, history.referenceOf(member), history.startsMessage(member) && !joins)
    }
    return node
  }

  const expandOn = (call: LoadedCall, declared: LoadedCall | null, before: ExpandedCall | undefined): ExpandedCall => {
    const isWhole = call.previousAnswerId !== null && holdsAnswer(call.request)
    if (before === undefined || isWhole)
      return { call, request: call.request, answer: call.answer, declared: before === undefined ? null : declared, isWhole }
    const request = graft(before.answer ?? before.request, call.request, 0)
    const answer = call.answer === null ? null : graft(request, call.answer, history.depthOf(call.request))
    return { call, request, answer, declared, isWhole }
  }

  const expand = (call: LoadedCall): ExpandedCall => {
    // The chain may be as long as the session, and a forged one may be a ring.
    const chain: Array<{ readonly call: LoadedCall; readonly declared: LoadedCall | null }> = []
    const seen = new Set<string>()
    let at: LoadedCall | null = call
    while (at !== null && !expanded.has(at.id) && !seen.has(at.id)) {
      seen.add(at.id)
      const declared: LoadedCall | null = findDeclared(at)
      chain.push({ call: at, declared })
      at = declared
    }
    for (let next = chain.pop(); next !== undefined; next = chain.pop())
      expanded.set(next.call.id, expandOn(next.call, next.declared, expanded.get(next.declared?.id ?? '')))
    return expanded.get(call.id) ?? { call, request: call.request, answer: call.answer, declared: null, isWhole: true }
  }

  return {
    note: call => {
      answers.note(call)
      if (call.answer === null) return
      for (const node of history.between(call.request, call.answer)) {
        const { strong } = history.blockOf(node)
        if (strong >= 0) generated.add(strong)
      }
    },
    expand,
    wasNamed: answerId => asked.has(answerId),
  }
}
