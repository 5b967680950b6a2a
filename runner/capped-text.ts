// Collects output of a process within a bound: the beginning and the end stay, the middle is cut out with a note.
// Memory never grows past the bound, however much a process prints.

export interface CappedText {
  readonly push: (bytes: Buffer) => void
  readonly text: () => string
}

/** Keeps at most about `charsMax` bytes of what is pushed. */
export function createCappedText(charsMax: number): CappedText {
  const headMax = Math.floor(charsMax / 2)
  const tailMax = charsMax - headMax
  const head: Buffer[] = []
  let tail: Buffer[] = []
  let headBytes = 0
  let tailBytes = 0
  let cutBytes = 0

  const trim = (): void => {
    const all = Buffer.concat(tail)
    const kept = all.subarray(Math.max(0, all.length - tailMax))
    cutBytes += all.length - kept.length
    tail = [Buffer.from(kept)]
    tailBytes = kept.length
  }
  return {
    push: bytes => {
      const first = bytes.subarray(0, headMax - headBytes)
      if (first.length > 0) {
        head.push(first)
        headBytes += first.length
      }
      const rest = bytes.subarray(first.length)
      if (rest.length === 0) return
      tail.push(rest)
      tailBytes += rest.length
      // Trimmed in big steps: a copy per small chunk would be quadratic.
      if (tailBytes > 2 * tailMax + 65_536) trim()
    },
    text: () => {
      if (tailBytes > tailMax) trim()
      const note = cutBytes > 0 ? `\n[… ${cutBytes} bytes cut out …]\n` : ''
      if (note === '') return Buffer.concat([...head, ...tail]).toString('utf8')
      return Buffer.concat(head).toString('utf8') + note + Buffer.concat(tail).toString('utf8')
    },
  }
}
