// Filler for texts: the same length in bytes and in characters, the same punctuation and white space, other letters and digits. Equal texts
// and equal lines get equal filler, texts and lines that begin alike get filler that begins alike (by words): a sub-agent's task is known
// by the line that asked for it, a summary by its lines. Nothing leads back without the key.

import { createHash, hash, randomBytes } from 'node:crypto'

export interface Filler {
  readonly text: (text: string) => string
  /** As text, but a provider's prefix (`toolu_`) stays and hexadecimal stays hexadecimal. */
  readonly id: (id: string) => string
  /** A JSON number with other digits. */
  readonly number: (literal: string) => string
}

/** Fillers of long texts are remembered: a conversation sends its history with every call. */
const memoryCharsMax = 32 * 1024 * 1024
const rememberedChars = 48

/** Texts with fewer letters and digits could get the same filler by chance; those are told apart by looking. */
const crowdedSymbols = 5

/** Letters and digits, at most as many as a hash has bytes; all else that is ASCII or white space is structure. */
const wordPattern = /(?:[A-Za-z0-9]|[^\p{ASCII}\s\u{feff}\p{Surrogate}]){1,32}/gu
const wordOrBreak = new RegExp(`\\n|${wordPattern.source}`, 'gu')

/** Without a seed the key is random and gone with the filler: nobody can test a guess. */
export function createFiller(seed: string | null): Filler {
  const key = seed === null ? randomBytes(32) : createHash('sha256').update(`turnpike scrub ${seed}`).digest()
  const memory = new Map<string, string>()
  let memoryChars = 0
  const owners = new Map<string, string>()

  const fill = (text: string, salt: string, isHex: boolean): string => {
    const start: Buffer = createHash('sha256').update(key).update(salt).digest()
    let chain = start
    return text.replace(wordOrBreak, word => {
      if (word === '\n') {
        chain = start
        return word
      }
      chain = hash('sha256', Buffer.concat([key, chain, Buffer.from(word)]), 'buffer')
      return replaceSymbols(word, chain, isHex)
    })
  }

  /** Short texts: another filler than any other short text has. */
  const fillApart = (text: string, kind: string, isHex: boolean): string => {
    for (let attempt = 0; ; attempt++) {
      const filler = fill(text, `${kind}${attempt}`, isHex)
      const owner = owners.get(`${kind} ${filler}`)
      if (owner !== undefined && owner !== text && attempt < 200) continue
      owners.set(`${kind} ${filler}`, text)
      return filler
    }
  }

  const fillMemorised = (text: string, kind: string, isHex: boolean): string => {
    const name = `${kind} ${text}`
    const known = memory.get(name)
    if (known !== undefined) return known
    const crowded = text.length < rememberedChars && (text.match(wordPattern)?.join('').length ?? 0) < crowdedSymbols
    const filler = crowded ? fillApart(text, kind, isHex) : fill(text, kind, isHex)
    if (!crowded && text.length < rememberedChars) return filler
    memoryChars += text.length * 2
    if (memoryChars > memoryCharsMax) {
      memory.clear()
      memoryChars = text.length * 2
    }
    memory.set(name, filler)
    return filler
  }

  return {
    text: text => fillMemorised(text, 't', false),
    id: id => {
      const prefix = idPrefix.exec(id)?.[0] ?? ''
      const rest = id.slice(prefix.length)
      return prefix + fillMemorised(rest, 'i', /^[0-9a-f-]+$/i.test(rest) && /\d/.test(rest))
    },
    number: literal => fillNumber(literal, digits => fillMemorised(digits, 'n', false)),
  }
}

const idPrefix =
  /^(?:toolu_(?:vrtx_|bdrk_)?|srvtoolu_|msg_(?:vrtx_|bdrk_)?|req_|call_|fc_|fco_|rs_|ctc_|ctco_|resp_|item_|chatcmpl-(?:tool-)?|cmpl-|gen-|run_|thread_|asst_|file-|file_|container_|batch_|tooluse_|evt_)+/

function fillNumber(literal: string, fill: (digits: string) => string): string {
  const [, sign = '', digits = '', rest = ''] = /^(-?)(\d+(?:\.\d+)?)(.*)$/.exec(literal) ?? []
  const filler = fill(digits)
  // JSON allows no zero before other digits, and a reader drops one at the end of a fraction.
  const first = /^0\d/.test(filler) ? `1${filler.slice(1)}` : filler
  const last = /\..*0$/.test(first) && !digits.endsWith('0') ? `${first.slice(0, -1)}1` : first
  return sign + last + rest
}

const twoByteLetters = 'àáâãäåæçèéêëìíîïñòóôõöøùúûüýß'

/** One symbol of the hash's byte for each of the word's, of the same class and so of the same size in every encoding. */
function replaceSymbols(word: string, bytes: Buffer, isHex: boolean): string {
  let filler = ''
  let at = 0
  for (const symbol of word) {
    const [byte, next] = [bytes[at % 32] ?? 0, bytes[(at + 1) % 32] ?? 0]
    filler += replaceSymbol(symbol.codePointAt(0) ?? 0, byte, next, isHex)
    at += 1
  }
  return filler
}

function replaceSymbol(code: number, byte: number, next: number, isHex: boolean): string {
  const letters = isHex ? 6 : 26
  if (code >= 0x30 && code <= 0x39) return String(byte % 10)
  if (code >= 0x61 && code <= 0x7a) return String.fromCharCode(0x61 + (byte % letters))
  if (code >= 0x41 && code <= 0x5a) return String.fromCharCode(0x41 + (byte % letters))
  if (code < 0x800) return twoByteLetters.charAt(byte % twoByteLetters.length)
  if (code < 0x1_00_00) return String.fromCharCode(0x4e00 + (((byte << 8) | next) % 20_000))
  return String.fromCodePoint(0x1f400 + byte)
}
