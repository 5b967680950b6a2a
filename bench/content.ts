// What the benchmarks send and answer: seeded text that compresses like agent traffic, conversations that grow call by
// call, bodies with nothing old in them, and answers of which no two are equal. A recorder must not profit from repetition that
// real traffic does not have, nor lose the repetition that it has.
import { createHash } from 'node:crypto'

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

export type Random = () => number

/** mulberry32: small, seeded, good enough for text. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** One step in so many repeats a passage from little before, as code and tool output do: brotli 5 then finds what it finds in real traffic, a ratio of 4 to 5. */
const repeatShare = 0.1

/** JSON string content (already escaped): words by Zipf's law mixed with code, paths, line breaks and repeats. ASCII. */
export function makeText(bytes: number, seed: number): Buffer {
  const random = seededRandom(seed)
  const words = makeWords(random)
  const text = Buffer.allocUnsafe(bytes + 256)
  let at = 0
  while (at < bytes) {
    if (random() < repeatShare && at > 4096) {
      const from = text.indexOf(0x20, at - 4096 + Math.floor(random() * 3800)) + 1
      const to = text.indexOf(0x20, from + 24 + Math.floor(random() * 60)) + 1
      if (to > 0 && to < at && to - from < 200) at += text.copy(text, at, from, to)
    }
    const word = words[Math.floor(words.length ** random()) - 1] ?? ''
    at += text.write(word, at, 'latin1')
    const kind = random()
    const joint =
      kind < 0.82 ? ' ' : kind < 0.88 ? '\\n' : kind < 0.92 ? '();\\n    ' : kind < 0.95 ? '/' : kind < 0.98 ? '\\"' : ', '
    at += text.write(joint, at, 'latin1')
  }
  return text.subarray(0, bytes)
}

function makeWords(random: Random): string[] {
  const letters = 'etaoinshrdlucmfwypvbgkjqxz_0123456789'
  return Array.from({ length: 6000 }, () => {
    const length = 2 + Math.floor(random() * 9)
    return Array.from({ length }, () => letters[Math.floor(letters.length * random() ** 2)]).join('')
  })
}

/** Far larger than what a compressor sees at once: two slices of it near each other hardly ever overlap. */
const poolBytes = 32 * 1024 * 1024
let pool: Buffer | null = null
const textPool = (): Buffer => {
  pool ??= makeText(poolBytes, 20)
  return pool
}

/** Appends one message of about `bytes` bytes with text not used nearby; returns the new end. */
function appendMessage(body: Buffer, at: number, role: string, bytes: number, random: Random): number {
  const text = textPool()
  const head = `{"role":"${role}","content":"${(random() * 2 ** 48).toString(36)} `
  let end = at + body.write(head, at, 'latin1')
  // An escape cut in two would make the string invalid: begin and end at a space.
  const room = Math.max(16, bytes - head.length - 3)
  const from = text.indexOf(0x20, Math.floor(random() * (text.length - room - 128))) + 1
  const to = text.indexOf(0x20, from + room - 12)
  end += text.copy(body, end, from, to)
  return end + body.write('"}', end, 'latin1')
}

export interface RequestBody {
  /** Valid until the next call of `next`. */
  readonly parts: readonly Buffer[]
  readonly bytes: number
}

export interface RequestSource {
  readonly next: () => RequestBody
}

const messageBytes = 1024
const opening = (stream: boolean): string => `{"model":"bench-model","max_tokens":1024,"stream":${stream},"messages":[`
const closing = Buffer.from(']}')

/** What an agent does: every call repeats the history and adds about 2 KB; at `bytes` it starts anew with other content. */
export function growingConversation(bytes: number, stream: boolean, startBytes: number, seed: number): RequestSource {
  const random = seededRandom(seed)
  const body = Buffer.allocUnsafe(bytes + 8 * messageBytes)
  let end = 0
  const add = (role: string): void => {
    if (body[end - 1] !== 0x5b) end += body.write(',', end, 'latin1')
    end = appendMessage(body, end, role, messageBytes, random)
  }
  const begin = (): void => {
    end = body.write(opening(stream), 0, 'latin1')
    add('user')
  }
  begin()
  while (end < startBytes) add('user')
  return {
    next: () => {
      if (end >= bytes) begin()
      else {
        add('assistant')
        add('user')
      }
      return { parts: [body.subarray(0, end), closing], bytes: end + closing.length }
    },
  }
}

/** A recorder's worst case: no byte of a request has been seen before. */
export function newContent(bytes: number, stream: boolean, seed: number): RequestSource {
  const random = seededRandom(seed)
  const body = Buffer.allocUnsafe(bytes + 8 * messageBytes)
  return {
    next: () => {
      let end = body.write(opening(stream), 0, 'latin1')
      for (let first = true; end < bytes; first = false) {
        if (!first) end += body.write(',', end, 'latin1')
        end = appendMessage(body, end, 'user', Math.max(64, Math.min(2 * messageBytes, bytes - end)), random)
      }
      return { parts: [body.subarray(0, end), closing], bytes: end + closing.length }
    },
  }
}

// ------------------------------------------------------------------------------------------------------------- answers

export const idDigits = 12
const idPrefix = 'chatcmpl-'

export interface AnswerShape {
  /** Bodies that differ in text; the id (12 digits at `idAt`) makes each answer unlike all others. */
  readonly variants: readonly Buffer[]
  readonly idAt: number
  /** Where each event of a stream ends; empty for a JSON answer. */
  readonly eventEnds: ReadonlyArray<readonly number[]>
  /** Makes the bytes whole again after another id was written into them: a checksum. */
  readonly seal?: (body: Buffer) => void
}

export function jsonAnswers(): AnswerShape {
  const variants = Array.from({ length: 2048 }, (_, index) => {
    const text = makeText(1750, 1000 + index).toString('latin1')
    const content = text.slice(0, text.lastIndexOf(' '))
    return Buffer.from(
      `{"id":"${idPrefix}${'0'.repeat(idDigits)}","object":"chat.completion","created":1700000000,"model":"bench-model","choices":[{"index":0,"message":{"role":"assistant","content":"${content}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":300,"completion_tokens":400,"total_tokens":700}}`,
    )
  })
  return { variants, idAt: `{"id":"${idPrefix}`.length, eventEnds: [] }
}

export function streamAnswers(events: number): AnswerShape {
  const made = Array.from({ length: 256 }, (_, index) => makeStream(events, index))
  return {
    variants: made.map(({ body }) => body),
    idAt: `data: {"id":"${idPrefix}`.length,
    eventEnds: made.map(({ ends }) => ends),
  }
}

function makeStream(events: number, index: number): { body: Buffer; ends: number[] } {
  const words = makeText(events * 24, 5000 + index)
    .toString('latin1')
    .split(' ')
  const id = `${idPrefix}${'0'.repeat(idDigits)}`
  const frame = (delta: string, reason: string): string =>
    `data: {"id":"${id}","object":"chat.completion.chunk","created":1700000000,"model":"bench-model","choices":[{"index":0,"delta":${delta},"finish_reason":${reason}}]}\n\n`
  const frames = Array.from({ length: events - 2 }, (_, at) => frame(`{"content":"${words[at % words.length]} "}`, 'null'))
  const all = [...frames, frame('{}', '"stop"'), 'data: [DONE]\n\n']
  const ends: number[] = []
  let end = 0
  for (const text of all) {
    end += text.length
    ends.push(end)
  }
  return { body: Buffer.from(all.join('')), ends }
}

/** Answer number `number`; valid until the variant is used again. */
export function writeAnswer(shape: AnswerShape, number: number): { body: Buffer; ends: readonly number[] } {
  const index = number % shape.variants.length
  const body = shape.variants[index]!
  body.write(String(number).padStart(idDigits, '0'), shape.idAt, 'latin1')
  shape.seal?.(body)
  return { body, ends: shape.eventEnds[index] ?? [] }
}

/** True when `body` is, byte for byte, the answer whose number it carries. */
export function isAnswer(shape: AnswerShape, body: Buffer): boolean {
  const number = Number(body.toString('latin1', shape.idAt, shape.idAt + idDigits))
  return Number.isSafeInteger(number) && number >= 0 && writeAnswer(shape, number).body.equals(body)
}

/** Hash of a JSON body that does not depend on the order of keys or on white space. */
export function jsonSha256(body: Buffer): string {
  const sort = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sort)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, sort(inner)]),
    )
  }
  return sha256(JSON.stringify(sort(JSON.parse(body.toString()))))
}
