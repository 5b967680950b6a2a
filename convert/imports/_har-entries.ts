// Cuts the elements of `log.entries` out of a HAR's bytes as they come, so that a file of any size needs the memory of one entry.
// Byte by byte: it knows strings, depth and the two names on the way, and parses nothing.

export interface EntryScanner {
  /** The entries these bytes completed. */
  readonly push: (chunk: Buffer) => Buffer[]
  /** Bytes of the entry the file stands in. */
  readonly heldBytes: () => number
  readonly rest: () => Buffer
  /** The list was seen to its end. */
  readonly isDone: () => boolean
}

const quote = 0x22
const backslash = 0x5c

export function createEntryScanner(): EntryScanner {
  let depth = 0
  let inString = false
  let escaped = false
  /** Bytes of the string that may be a name, while it is short. */
  let name: number[] = []
  /** The string last read at this depth, until something else follows. */
  let lastName = ''
  let logDepth = -1
  let listDepth = -1
  let done = false
  let held: Buffer[] = []
  let start = -1

  function readStringByte(byte: number): void {
    if (escaped) escaped = false
    else if (byte === backslash) escaped = true
    else if (byte === quote) {
      inString = false
      lastName = Buffer.from(name).toString('utf8')
    } else if (name.length < 16) name.push(byte)
  }

  function openValue(isList: boolean): void {
    depth += 1
    if (isList && listDepth < 0 && depth === 3 && logDepth === 2 && lastName === 'entries') listDepth = depth
    else if (!isList && depth === 2 && lastName === 'log') logDepth = depth
    lastName = ''
  }

  /** True when this byte ends an entry. */
  function closeValue(): boolean {
    depth -= 1
    if (depth < listDepth) done = true
    return start >= 0 && depth === listDepth
  }

  /** True when an entry ends at `at`, which is outside of strings. */
  function readPlainByte(byte: number, at: number): boolean {
    if (byte === quote) {
      inString = true
      name = []
    } else if (byte === 0x7b || byte === 0x5b) {
      if (depth === listDepth && !done && start < 0) start = at
      openValue(byte === 0x5b)
    } else if (byte === 0x7d || byte === 0x5d) return closeValue()
    return false
  }

  function push(chunk: Buffer): Buffer[] {
    const entries: Buffer[] = []
    if (start >= 0) start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (inString) readStringByte(byte)
      else if (readPlainByte(byte, at)) {
        entries.push(Buffer.concat([...held, chunk.subarray(start, at + 1)]))
        held = []
        start = -1
      }
    }
    if (start >= 0) held.push(Buffer.from(chunk.subarray(start)))
    return entries
  }

  return {
    push,
    heldBytes: () => held.reduce((sum, part) => sum + part.length, 0),
    rest: () => Buffer.concat(held),
    isDone: () => done,
  }
}
