// What a call says about itself outside the conversation: whose it is, whether it works for another agent, whether it wants an answer.
// Read from the headers and texts that agents are known to send (docs/convert.md lists them); never from what the model wrote.

import type { Block, Conversation, Exchange } from '../core/types.ts'

export interface CallMarks {
  /** The mark by which the call says it is a sub-agent's, as `name: value`. */
  readonly subagent: string | null
  /** Id of the agent or thread it belongs to; calls of one session may have several. */
  readonly actor: string | null
  /** Id of the agent or thread that actor works for. */
  readonly parentActor: string | null
  /** Where the client numbers its context windows: a new number means that a compaction came before. */
  readonly window: string | null
  /** `generate: false`: the request prepares an answer and wants none. */
  readonly isWarmup: boolean
}

const actorHeaders = ['x-claude-code-agent-id', 'thread-id', 'x-session-id', 'x-grok-session-id']
const parentHeaders = ['x-claude-code-parent-agent-id', 'x-codex-parent-thread-id', 'x-parent-session-id']
/** Headers that only sub-agents send, or send with this value. */
const subagentHeaders: ReadonlyArray<readonly [name: string, value: RegExp]> = [
  ['x-claude-code-agent-id', /./],
  ['x-openai-subagent', /spawn/],
  ['x-codex-parent-thread-id', /./],
  ['x-parent-session-id', /./],
  ['x-interaction-type', /subagent/],
]
const windowHeader = 'x-codex-window-id'
const known = new Set([windowHeader, ...actorHeaders, ...parentHeaders, ...subagentHeaders.map(([name]) => name)])
const billingMark = /^x-anthropic-billing-header:.*\bcc_is_subagent=true\b/

export function readMarks(exchange: Exchange, conversation: Conversation): CallMarks {
  const headers = new Map<string, string>()
  for (const [name, value] of exchange.requestHeaders) {
    const lower = name.toLowerCase()
    if (known.has(lower)) headers.set(lower, value)
  }
  const first = (names: readonly string[]): string | null => {
    for (const name of names) if (headers.has(name)) return headers.get(name) ?? null
    return null
  }
  const header = subagentHeaders.find(([name, value]) => value.test(headers.get(name) ?? ''))
  return {
    subagent: header === undefined ? findBillingMark(conversation.system) : `${header[0]}: ${headers.get(header[0])}`,
    actor: first(actorHeaders),
    parentActor: first(parentHeaders),
    window: headers.get(windowHeader) ?? null,
    isWarmup: conversation.extra['generate'] === false,
  }
}

function findBillingMark(system: readonly Block[]): string | null {
  return system.some(block => block.kind === 'text' && billingMark.test(block.text)) ? 'cc_is_subagent=true' : null
}
