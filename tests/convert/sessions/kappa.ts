// What makes two blocks the same, written from the specification alone (docs/convert.md: identity) and not from the product's code:
// text by role, tool calls by name and id, results by id and content, thinking and empty text nothing; results first and by id in a run.

import type { Block, Json, Message, Role } from '../../../core/types.ts'

export interface KappaOptions {
  /** Ids that the scope's server gives more than once: calls with them count by name and input. */
  readonly repeated: (id: string) => boolean
}

const noneRepeated: KappaOptions = { repeated: () => false }

/** The keys of a list of messages, in normal order. */
export function listKeys(messages: readonly Message[], options: KappaOptions = noneRepeated): string[] {
  return normalise(messages.flatMap(message => message.blocks.map(block => ({ role: message.role, block })))).flatMap(
    ({ role, block }) => readKey(role, block, options) ?? [],
  )
}

/** Every block as it was said, thinking too; only what is nothing (empty text) and the order in a run do not count. */
export function listWords(messages: readonly Message[]): string[] {
  return normalise(messages.flatMap(message => message.blocks.map(block => ({ role: message.role, block })))).flatMap(
    ({ role, block }) => {
      if (block.kind === 'text') return block.text === '' ? [] : [`${role}: ${block.text}`]
      if (block.kind === 'thinking') return [`thinking ${block.text} ${block.signature}`]
      if (block.kind === 'tool-call') return [`call ${block.name} #${block.id} ${sortKeys(block.input)}`]
      return readKey(role, block, noneRepeated) ?? []
    },
  )
}

function sortKeys(input: Json): string {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) return JSON.stringify(input)
  return JSON.stringify(Object.fromEntries(Object.entries(input).sort(([a], [b]) => (a < b ? -1 : 1))))
}

interface Item {
  readonly role: Role
  readonly block: Block
}

/** Within a run of blocks that are not the assistant's: results by id, then the rest as it stands. */
export function normalise<T extends Item>(items: readonly T[]): T[] {
  const sorted: T[] = []
  let run: T[] = []
  const close = () => {
    const results = run.filter(item => item.block.kind === 'tool-result')
    const id = ({ block }: T) => (block.kind === 'tool-result' ? block.callId : '')
    results.sort((a, b) => (id(a) < id(b) ? -1 : id(a) > id(b) ? 1 : 0))
    sorted.push(...results, ...run.filter(item => item.block.kind !== 'tool-result'))
    run = []
  }
  for (const item of items)
    if (item.role === 'assistant') {
      close()
      sorted.push(item)
    } else run.push(item)
  close()
  return sorted
}

function readKey(role: Role, block: Block, options: KappaOptions): string | null {
  switch (block.kind) {
    case 'text': {
      const text = role === 'assistant' ? block.text.trimEnd() : block.text
      return text === '' ? null : `${role}: ${text}`
    }
    case 'thinking':
      return null
    case 'tool-call':
      return options.repeated(block.id) ? `call ${block.name} ${block.inputText}` : `call ${block.name} #${block.id}`
    case 'tool-result':
      return `result #${block.callId} ${block.isError} ${block.content.map(part => readKey('user', part, options) ?? '').join('\n')}`
    case 'image':
      return `image ${block.mediaType} ${block.data}`
    case 'refusal':
      return `refusal ${block.text}`
    case 'opaque':
      return `opaque ${block.type} ${JSON.stringify(block.raw)}`
  }
}
