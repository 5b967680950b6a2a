// What is new in a call against the calls before it of the same conversation: the agent resends the rest. Pure.
// Feed it the calls of one scope in the order they were made.

import type { Answer, Conversation, Message } from '../core/types.ts'
import { joinTexts } from './tree/blocks.ts'
import { readStrongKey } from './tree/identity.ts'

export interface NewMessages {
  /** Messages of this request that neither an earlier request of its conversation nor an earlier answer had. */
  readonly add: (call: { readonly conversation: Conversation; readonly answer: Answer | null }) => readonly Message[]
}

/** The conversations seen so far as one trie; a node is an end when a request or an answer ended there. */
interface Node {
  readonly children: Map<string, Node>
  isEnd: boolean
}

export function createNewMessages(): NewMessages {
  const root: Node = { children: new Map(), isEnd: false }
  return {
    add: ({ conversation, answer }) => {
      let node = root
      let known = 0
      for (const [index, message] of conversation.messages.entries()) {
        node = stepMessage(node, message)
        if (node.isEnd) known = index + 1
      }
      // An empty request ends at the root, which every conversation shares.
      if (node !== root) node.isEnd = true
      const end = answer === null ? node : stepMessage(node, answer.message)
      if (end !== root) end.isEnd = true
      return conversation.messages.slice(known)
    },
  }
}

function stepMessage(start: Node, message: Message): Node {
  let node = start
  for (const block of joinTexts(message)) {
    const key = readStrongKey(message.role, block)
    if (key === null) continue
    const known = node.children.get(key)
    if (known !== undefined) node = known
    else {
      const fresh: Node = { children: new Map(), isEnd: false }
      node.children.set(key, fresh)
      node = fresh
    }
  }
  return node
}
