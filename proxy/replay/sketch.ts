// How alike two texts are, by the words they share: enough to tell a title writer from the main conversation, blind to what
// differs between two runs of the same work (dates, times, ids). Pure; a sketch is a few kilobytes whatever the text's length.

export interface Sketch {
  /** Hashes of the distinct words, ascending. */
  readonly words: Uint32Array
  /** Of the words in their order; equal texts have equal ones. */
  readonly whole: number
}

/** Texts are looked at from both ends: what is longest in the middle, a pasted file, says least about who is asking. */
const endCharsMax = 24_000

const passing =
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?\b|\b\d\d?:\d\d(?::\d\d(?:\.\d+)?)?\b|\b[0-9a-f]{16,}\b/gi

/** A word, or one character of a script that writes no spaces. */
const wordShape = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}_]+/gu

export function sketchText(text: string): Sketch {
  const ends = text.length <= 2 * endCharsMax ? text : `${text.slice(0, endCharsMax)} ${text.slice(-endCharsMax)}`
  const words = ends.replace(passing, ' ').match(wordShape) ?? []
  return sketchNames(words)
}

/** Of names that are compared whole, such as those of tools. */
export function sketchNames(names: readonly string[]): Sketch {
  const hashes = names.map(hashWord)
  let whole = hashes.length
  for (const hash of hashes) whole = Math.imul(whole ^ hash, 0x9e3779b1) >>> 0
  return { words: Uint32Array.from(new Set(hashes)).sort(), whole }
}

/** Shared words by all words, 0 to 1. Two empty texts are alike. */
export function compareSketches(a: Sketch, b: Sketch): number {
  if (a.words.length === 0 && b.words.length === 0) return 1
  let shared = 0
  for (let i = 0, j = 0; i < a.words.length && j < b.words.length; ) {
    const [left = 0, right = 0] = [a.words[i], b.words[j]]
    if (left === right) shared++
    if (left <= right) i++
    if (right <= left) j++
  }
  return shared / (a.words.length + b.words.length - shared)
}

/** FNV-1a over UTF-16 units. */
function hashWord(word: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < word.length; at++) value = Math.imul(value ^ word.charCodeAt(at), 0x01000193)
  return value >>> 0
}
