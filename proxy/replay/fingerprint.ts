// What is kept of a request to find its recorded answer: a name for the whole, a name for the place it stands at in its
// conversation (what the model has said so far), and sketches of what is asked there. Pure.

import type { Block, Conversation, Json, Message } from '../../core/types.ts'
import type { ProtocolAdapter, RequestAddress } from '../../protocols/_adapter.ts'
import { digest, nameConversation, nameJson, plainBlock, writeCanonical } from './canonical.ts'
import { type Sketch, sketchNames, sketchText } from './sketch.ts'

/** Where in a conversation a request stands, and what it asks there. */
export interface Place {
  /** Names what the model has said so far, ids of its tool calls included. */
  readonly said: string
  /** The same without ids: for clients that make ids of their own. */
  readonly saidLoosely: string
  /** Number of things said. */
  readonly steps: number
  readonly model: string | null
  readonly stream: boolean
  /** False for a warm-up, which loads a conversation and asks for nothing yet. */
  readonly generate: boolean
  /** Whether what follows the model's last word begins with results of its tool calls. */
  readonly answersTools: boolean
  readonly tools: Sketch
  readonly system: Sketch
  /** Everything after the model's last word. */
  readonly newest: Sketch
  /** Each text of it as a whole: two prompts that differ in one word among pages of rules still differ here. */
  readonly parts: Sketch
  /** The last text of it from the user: most agents put what they add by themselves (rules, environment) before what was asked. */
  readonly request: Sketch
}

export interface Fingerprint {
  /** Equal names, equal requests but for what clients change from one sending to the next. */
  readonly name: string
  /** Null: no conversation, only a JSON body. */
  readonly place: Place | null
}

/** Null when the body is no JSON. A body its protocol cannot read still has a name. */
export function readFingerprint(
  body: Json | undefined,
  protocol: ProtocolAdapter | null,
  address: RequestAddress,
): Fingerprint | null {
  if (body === undefined) return null
  const conversation = protocol === null ? null : readConversation(protocol, body, address)
  if (conversation === null) return { name: nameJson(body), place: null }
  return { name: nameConversation(conversation), place: readPlace(conversation) }
}

function readConversation(protocol: ProtocolAdapter, body: Json, address: RequestAddress): Conversation | null {
  try {
    return protocol.readRequest(body, address)
  } catch {
    return null // the provider refused it then and is replayed as refusing it now
  }
}

const noText: Block = { kind: 'text', text: '' }

function readPlace(conversation: Conversation): Place {
  const { messages, system, tools, model, stream } = conversation
  const { strong, loose } = nameSteps(conversation)
  const newest = messages.slice(messages.findLastIndex(message => message.role === 'assistant') + 1)
  const blocks = newest.flatMap(message => message.blocks)
  const texts = blocks.map(readText)
  const fromUser = newest.flatMap(message => (message.role === 'user' ? message.blocks : []))
  return {
    said: strong.at(-1) ?? '',
    saidLoosely: loose.at(-1) ?? '',
    steps: strong.length,
    model,
    stream,
    generate: conversation.extra['generate'] !== false,
    answersTools: blocks.some(block => block.kind === 'tool-result'),
    tools: sketchNames(tools.map(tool => tool.name).sort()),
    system: sketchText(system.map(readText).join('\n')),
    newest: sketchText(texts.join('\n')),
    parts: sketchNames(texts.map(text => String(sketchText(text).whole))),
    request: sketchText(readText(fromUser.findLast(block => block.kind === 'text') ?? noText)),
  }
}

/** Names of what the model has said up to each of its steps; empty for what is no conversation. */
export function readSteps(body: Json, protocol: ProtocolAdapter | null, address: RequestAddress): readonly string[] {
  const conversation = protocol === null ? null : readConversation(protocol, body, address)
  return conversation === null ? [] : nameSteps(conversation).strong
}

interface Steps {
  /** One name per thing said, each naming everything up to it: two conversations part where their names do. */
  readonly strong: readonly string[]
  readonly loose: readonly string[]
}

/** Thinking is left out: clients drop it, restore it and strip its proofs. */
function nameSteps(conversation: Conversation): Steps {
  const strong: string[] = []
  const loose: string[] = []
  const add = (withIds: string, withoutIds: string): void => {
    strong.push(digest(`${strong.at(-1) ?? ''}\n${withIds}`))
    loose.push(digest(`${loose.at(-1) ?? ''}\n${withoutIds}`))
  }
  // A client that sends only what is new names the answer it continues, and that name comes from the record.
  const previous = conversation.extra['previous_response_id']
  if (typeof previous === 'string') add(previous, previous)
  for (const block of joinSaid(conversation.messages)) {
    if (block.kind === 'thinking') continue
    if (block.kind === 'text' || block.kind === 'refusal') {
      const text = block.text.trim()
      if (text !== '') add(text, text)
    } else if (block.kind === 'tool-call') {
      const call = `${block.name} ${block.input === null ? block.inputText : writeCanonical(block.input)}`
      // By id where there is one: clients add default arguments to the input they send back.
      add(block.id === '' ? call : `${block.name} #${block.id}`, call)
    } else {
      const raw = writeCanonical(plainBlock(block))
      add(raw, raw)
    }
  }
  return { strong, loose }
}

/** Clients cut an answer into one message or several, and one text into several or several into one. */
function joinSaid(messages: readonly Message[]): Block[] {
  const said: Block[] = []
  let open = false
  for (const message of messages) {
    if (message.role !== 'assistant') {
      open = false
      continue
    }
    for (const block of message.blocks) {
      const last = said.at(-1)
      if (open && block.kind === 'text' && last?.kind === 'text')
        said[said.length - 1] = { kind: 'text', text: last.text + block.text }
      else said.push(block)
      open = true
    }
  }
  return said
}

function readText(block: Block): string {
  switch (block.kind) {
    case 'text':
    case 'thinking':
    case 'refusal':
      return block.text
    case 'tool-call':
      return `${block.name} ${block.inputText}`
    case 'tool-result':
      return block.content.map(readText).join('\n')
    case 'image':
      return block.mediaType
    case 'opaque':
      return JSON.stringify(block.raw)
  }
}
