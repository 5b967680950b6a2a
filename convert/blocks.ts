// Blocks of one scope, each kept once: a conversation becomes a list of small numbers. Texts of keys are not kept, only their hashes.
// Holds the only copy of texts that the history, the tree, the lanes and the rows point into.

import { createHash } from 'node:crypto'
import { assert } from '../core/errors.ts'
import type { Block, Conversation, JsonObject, Message, Role } from '../core/types.ts'
import { readCallId, readSpelling, readStrongKey, readWeakKey, withoutCacheControl } from './identity.ts'

export interface StoredBlock {
  readonly role: Role
  readonly block: Block
  /** Interned keys; -1 = not part of identity. */
  readonly strong: number
  readonly weak: number
  /** Provider id of a tool call, or of the call a result belongs to. */
  readonly callId: string | null
}

export interface BlockTable {
  readonly read: (reference: number) => StoredBlock
  /** The same words again give the same reference, however `extra`, `wire` and the cache marks differ. */
  readonly add: (role: Role, block: Block) => number
  readonly holds: (reference: number, role: Role, block: Block) => boolean
  readonly internKey: (key: string) => number
  /** The key itself when it is short, else its hash: the same in every run. */
  readonly readKey: (key: number) => string
}

/** A hash is 44 characters; what is not much longer is its own fingerprint. */
const literalMax = 64

export function createBlockTable(): BlockTable {
  const stored: StoredBlock[] = []
  const bySpelling = new Map<string, number>()
  const keys: string[] = []
  const byKey = new Map<string, number>()

  const intern = (fingerprint: string): number => {
    const known = byKey.get(fingerprint)
    if (known !== undefined) return known
    byKey.set(fingerprint, keys.length)
    keys.push(fingerprint)
    return keys.length - 1
  }
  const internKey = (key: string | null): number => (key === null ? -1 : intern(writeFingerprint(key)))
  const read = (reference: number): StoredBlock => {
    const found = stored[reference]
    assert(found !== undefined, `block ${reference} exists`)
    return found
  }
  /** Of two ways to write the same words the same one is kept, whichever came first. */
  const keepNotes = (reference: number, block: Block): void => {
    const known = read(reference)
    if (known.block === block) return
    const [before, after] = [describeNotes(known.block), describeNotes(block)]
    if (after.length > before.length || (after.length === before.length && after < before))
      stored[reference] = { ...known, block: withoutCacheMark(block) }
  }

  return {
    read,
    add: (role, block) => {
      const spelling = writeFingerprint(readSpelling(role, block))
      const known = bySpelling.get(spelling)
      if (known !== undefined) {
        keepNotes(known, block)
        return known
      }
      bySpelling.set(spelling, stored.length)
      const weak = internKey(readWeakKey(role, block))
      const strong = readCallId(block) === null ? weak : internKey(readStrongKey(role, block))
      return stored.push({ role, block: withoutCacheMark(block), strong, weak, callId: readCallId(block) }) - 1
    },
    holds: (reference, role, block) => {
      const known = read(reference)
      if (known.role !== role || !sayTheSame(known.block, block)) return false
      keepNotes(reference, block)
      return true
    },
    internKey,
    readKey: key => keys[key] ?? '',
  }
}

export function writeFingerprint(key: string): string {
  return key.length <= literalMax ? key : `#${createHash('sha256').update(key).digest('base64')}`
}

/** A quick yes for what is plainly the same; no only means that it is not plain. */
function sayTheSame(known: Block, block: Block): boolean {
  if (known === block) return true
  if (known.kind === 'text' && block.kind === 'text') return known.text === block.text
  if (known.kind === 'tool-call' && block.kind === 'tool-call')
    return known.id === block.id && known.name === block.name && known.inputText === block.inputText
  if (known.kind !== 'tool-result' || block.kind !== 'tool-result') return false
  return (
    known.callId === block.callId &&
    known.isError === block.isError &&
    known.content.length === block.content.length &&
    known.content.every((part, index) => {
      const other = block.content[index]
      return other !== undefined && sayTheSame(part, other)
    })
  )
}

/** What is written of a block beside its words: decides which of two is kept, so it must not depend on where the cache ends. */
function describeNotes(block: Block): string {
  const extra = block.extra === undefined ? undefined : withoutCacheControl(block.extra)
  const written = extra === undefined || Object.keys(extra as JsonObject).length === 0 ? '' : JSON.stringify(extra)
  const notes = block.wire === undefined ? written : `${written}${JSON.stringify(block.wire)}`
  if (block.kind === 'tool-call') return `${notes}${block.inputText}`
  if (block.kind === 'tool-result') return `${notes}${block.content.map(describeNotes).join('')}`
  return block.kind === 'opaque' ? `${notes}${JSON.stringify(withoutCacheControl(block.raw))}` : notes
}

function withoutCacheMark(block: Block): Block {
  if (block.kind === 'opaque') {
    const raw = withoutCacheControl(block.raw)
    return raw === block.raw ? block : { ...block, raw }
  }
  const content = block.kind === 'tool-result' ? block.content.map(withoutCacheMark) : null
  const changed = content !== null && block.kind === 'tool-result' && content.some((part, index) => part !== block.content[index])
  const clean = changed ? { ...block, content } : block
  if (clean.extra === undefined || !('cache_control' in clean.extra)) return clean
  const { extra, ...rest } = clean
  const kept = withoutCacheControl(extra) as JsonObject
  return (Object.keys(kept).length === 0 ? rest : { ...rest, extra: kept }) as Block
}

/** Clients send back several texts of one answer as one; what the answer itself said is kept with its call. */
export function joinTexts(message: Message): readonly Block[] {
  if (message.role !== 'assistant') return message.blocks
  const joined: Block[] = []
  for (const block of message.blocks) {
    const last = joined.at(-1)
    if (block.kind === 'text' && last?.kind === 'text') joined[joined.length - 1] = { ...last, text: last.text + block.text }
    else joined.push(block)
  }
  return joined
}

/** Leading system text and tools stand outside the chain; this names a version of them, in whatever order the tools are listed. */
export function namePreamble(conversation: Pick<Conversation, 'system' | 'tools'>): string {
  const system = conversation.system.map(block => readWeakKey('system', block))
  const tools = conversation.tools.map(tool => JSON.stringify([tool.name, tool.description, tool.schema])).sort()
  return writeFingerprint(JSON.stringify([system, tools]))
}
