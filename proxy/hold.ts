// Finds the terminal event of a streamed answer in passing, so that it is released only after the exchange is committed: agents
// act on it without waiting for the connection to end. Pure state machine over chunks; copies nothing but a few bytes of carry.

export interface Hold {
  /** Splits a chunk into what may pass at once and what must wait; `held` is null before the terminal event. */
  readonly push: (chunk: Buffer) => { readonly pass: Buffer | null; readonly held: Buffer | null }
  /** True once the terminal event has begun. */
  readonly terminal: () => boolean
}

/** `marks` are strings that occur in the terminal event and practically nowhere else; none = nothing is ever held. */
export function createHold(marks: readonly string[]): Hold {
  const needles = marks.map(mark => Buffer.from(mark))
  const carryBytes = Math.max(1, ...needles.map(needle => needle.length - 1))
  // Marks begin with a line break; the beginning of a stream counts as one.
  let carry: Buffer = Buffer.from('\n')
  let terminal = needles.length === 0 ? null : false
  return {
    push: chunk => {
      if (terminal === null) return { pass: chunk, held: null }
      if (terminal) return { pass: null, held: chunk }
      const at = findAcross(carry, chunk, needles, carryBytes)
      if (at === null) {
        carry = keepTail(carry, chunk, carryBytes)
        return { pass: chunk, held: null }
      }
      terminal = true
      // A mark that began in an earlier chunk: that part is out already, the event cannot be complete without the rest.
      const start = Math.max(0, at)
      return { pass: start === 0 ? null : chunk.subarray(0, start), held: chunk.subarray(start) }
    },
    terminal: () => terminal === true,
  }
}

/** Offset in `chunk` where the earliest mark begins; negative when it began in the carry; null when there is none. */
function findAcross(carry: Buffer, chunk: Buffer, needles: readonly Buffer[], reach: number): number | null {
  let best: number | null = null
  const seam = carry.length === 0 ? null : Buffer.concat([carry, chunk.subarray(0, reach)])
  for (const needle of needles) {
    const inSeam = seam === null ? -1 : seam.indexOf(needle)
    const at = inSeam >= 0 && inSeam < carry.length ? inSeam - carry.length : chunk.indexOf(needle)
    if ((at >= 0 || inSeam >= 0) && (best === null || at < best)) best = at
  }
  return best
}

function keepTail(carry: Buffer, chunk: Buffer, bytes: number): Buffer {
  if (chunk.length >= bytes) return Buffer.from(chunk.subarray(chunk.length - bytes))
  return Buffer.concat([carry, chunk]).subarray(-bytes)
}
