// The pieces of an answer's parts joined: a stream cuts a text anywhere, and servers send empty parts that say nothing. The same rule reads
// whole answers, so that both are the same answer; how the parts lay is noted, and they can be laid out again. Pure.

import type { Json, JsonObject } from '../core/types.ts'
import { isList, isObject, objectOf, textOf } from './_json.ts'

export interface PartJoiner {
  readonly push: (part: Json) => void
  readonly parts: () => Json[]
  /** One entry a part that came: [which joined part, characters of it], or the part itself where it said nothing. */
  readonly layout: () => Json[]
}

interface Open {
  raw: Json
  readonly pieces: string[]
  /** Text that may still grow. */
  growing: boolean
}

/** A piece joins the text before it when both are plain text of the same kind; a signature ends a text, because it proves exactly that one. */
export function createJoiner(): PartJoiner {
  const joined: Open[] = []
  const layout: Json[] = []
  return {
    push: part => {
      const last = joined.at(-1)
      const text = plainText(part)
      if (text === null) {
        joined.push({ raw: part, pieces: [], growing: false })
        layout.push([joined.length - 1])
        return
      }
      const grows = last?.growing === true && isThought(last.raw) === isThought(part)
      const signed = isObject(part) && 'thoughtSignature' in part
      if (!grows && text === '' && !signed) {
        layout.push(part)
        return
      }
      if (grows && last !== undefined) {
        last.pieces.push(text)
        last.growing = !signed
        if (signed) last.raw = part
      } else joined.push({ raw: part, pieces: [text], growing: !signed })
      layout.push([joined.length - 1, text.length])
    },
    parts: () => joined.map(({ raw, pieces }) => (pieces.length === 0 ? raw : { ...objectOf(raw), text: pieces.join('') })),
    layout: () => layout,
  }
}

/** The text of a part that holds nothing but text, its kind and its proof; null for any other. */
function plainText(part: Json): string | null {
  if (!isObject(part)) return null
  const { text, thought, thoughtSignature: signature, ...others } = part
  const plain = Object.keys(others).length === 0 && (thought === undefined || thought === true)
  return plain && (signature === undefined || typeof signature === 'string') ? textOf(text) : null
}

function isThought(part: Json): boolean {
  return objectOf(part)['thought'] === true
}

/** Undefined when every part stands by itself, which needs no note. */
export function noteLayout(joiner: PartJoiner): Json[] | undefined {
  const layout = joiner.layout()
  const trivial = layout.every((entry, at) => isList(entry) && entry[0] === at)
  return trivial ? undefined : layout
}

/** Joined parts laid out as they came; as they are when the note does not fit them. */
export function layOut(parts: readonly Json[], layout: Json | undefined): Json[] {
  if (!isList(layout)) return [...parts]
  const offsets = new Map<number, number>()
  const laid: Json[] = []
  for (const [at, entry] of layout.entries()) {
    if (!isList(entry)) {
      laid.push(entry)
      continue
    }
    const [index, length] = entry
    const part = typeof index === 'number' ? parts[index] : undefined
    if (part === undefined) return [...parts]
    if (typeof length === 'number') laid.push(cutPiece(part, Number(index), length, offsets, isLastPiece(layout, at)))
    else laid.push(part)
  }
  const used = new Set(layout.flatMap(entry => (isList(entry) && entry[0] !== undefined ? [entry[0]] : [])))
  const whole = parts.every((part, index) => used.has(index) && textLength(part) === (offsets.get(index) ?? textLength(part)))
  return whole ? laid : [...parts]
}

function isLastPiece(layout: readonly Json[], at: number): boolean {
  const entry = layout[at]
  const next = layout.slice(at + 1).find(isList)
  return next === undefined || !isList(entry) || next[0] !== entry[0]
}

function cutPiece(part: Json, index: number, length: number, offsets: Map<number, number>, last: boolean): JsonObject {
  const { thoughtSignature: signature, ...fields } = objectOf(part)
  const from = offsets.get(index) ?? 0
  offsets.set(index, from + length)
  const piece = { ...fields, text: (textOf(fields['text']) ?? '').slice(from, from + length) }
  return last && signature !== undefined ? { ...piece, thoughtSignature: signature } : piece
}

function textLength(part: Json): number {
  return (textOf(objectOf(part)['text']) ?? '').length
}
