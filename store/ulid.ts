// Sortable unique ids: 48 bits of milliseconds, 80 random bits, Crockford base 32. Ids of one process rise strictly, also
// within one millisecond and when the clock steps back, so that sorting by id is sorting by birth.

import { createHash, randomFillSync } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const random = Buffer.alloc(10)
let lastMs = -1

export function createUlid(nowMs: number = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs
    randomFillSync(random)
    // The top bit stays free, so that counting up within a millisecond cannot overflow.
    random[0] = (random[0] ?? 0) & 0x7f
  } else countUp()
  return writeTime(lastMs) + writeRandom()
}

/** An id that says when something was, and is the same for the same thing. */
export function deriveUlid(atMs: number, identity: string | Buffer): string {
  const digest = createHash('sha256').update(identity).digest()
  return writeTime(Math.floor(atMs)) + [...digest.subarray(0, 16)].map(byte => alphabet.charAt(byte % 32)).join('')
}

function countUp(): void {
  for (let at = random.length - 1; at >= 0; at--) {
    const next = ((random[at] ?? 0) + 1) & 0xff
    random[at] = next
    if (next !== 0) return
  }
}

function writeTime(ms: number): string {
  let text = ''
  for (let rest = ms, digits = 0; digits < 10; digits++, rest = Math.floor(rest / 32)) text = alphabet.charAt(rest % 32) + text
  return text
}

/** 80 bits are two groups of 40, and 40 bits are eight digits. */
function writeRandom(): string {
  let text = ''
  for (const start of [0, 5]) {
    let digits = ''
    for (let rest = random.readUIntBE(start, 5), count = 0; count < 8; count++, rest = Math.floor(rest / 32))
      digits = alphabet.charAt(rest % 32) + digits
    text += digits
  }
  return text
}
