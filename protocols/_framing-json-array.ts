// A JSON array that grows: what Gemini streams without `alt=sse`. A frame is an element with the bracket or comma before it; the closing
// bracket is a frame that carries no event. Pure.

import type { FrameSplitter, Framing } from './_framing.ts'

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c

export const jsonArrayFraming: Framing = {
  id: 'json-array',
  contentType: 'application/json',
  matches: (contentType, bytes) => {
    const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 64)).toString('utf8')
    return (contentType === null || /json|event-stream/i.test(contentType)) && /^\ufeff?\s*\[/.test(start)
  },
  openSplitter,
  readFrame: frame => {
    const text = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString('utf8')
    const data = text.replace(/^\ufeff?\s*[[,]?\s*/, '').trimEnd()
    return data === '' || data === ']' ? null : { event: '', data }
  },
  *writeEvents(events) {
    let before = '['
    for (const { data } of events) {
      yield Buffer.from(before + data)
      before = ',\r\n'
    }
    yield Buffer.from(before === '[' ? '[]' : ']')
  },
}

type Place = 'before' | 'between' | 'string' | 'nest' | 'string-in-nest' | 'scalar' | 'after'

/** Where each byte stands in the array, and which bytes end an element. */
interface Scanner {
  /** `with`: the element ends with this byte; `without`: it ended before it; null: neither. */
  readonly step: (byte: number) => 'with' | 'without' | null
}

function openSplitter(): FrameSplitter {
  let held: Buffer[] = []
  const scanner = openScanner()
  return {
    push: bytes => {
      const frames: Buffer[] = []
      let start = 0
      for (let at = 0; at < bytes.length; at++) {
        const ended = scanner.step(bytes[at] ?? 0)
        if (ended === null) continue
        const end = ended === 'with' ? at + 1 : at
        frames.push(Buffer.concat([...held, bytes.subarray(start, end)]))
        held = []
        start = end
      }
      if (start < bytes.length) held.push(Buffer.from(bytes.subarray(start)))
      return frames
    },
    rest: () => Buffer.concat(held),
  }
}

function openScanner(): Scanner {
  let place: Place = 'before'
  let depth = 0
  let escaped = false
  const between = (byte: number): 'with' | null => {
    if (byte === 0x5d) {
      place = 'after'
      return 'with'
    }
    if (byte === quote) place = 'string'
    else if (byte === 0x7b || byte === 0x5b) {
      place = 'nest'
      depth = 1
    } else if (!isSpace(byte) && byte !== comma) place = 'scalar'
    return null
  }
  const inString = (byte: number): 'with' | null => {
    if (escaped) escaped = false
    else if (byte === backslash) escaped = true
    else if (byte === quote) {
      const inNest = place === 'string-in-nest'
      place = inNest ? 'nest' : 'between'
      return inNest ? null : 'with'
    }
    return null
  }
  const inNest = (byte: number): 'with' | null => {
    if (byte === quote) place = 'string-in-nest'
    else if (byte === 0x7b || byte === 0x5b) depth++
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) {
      place = 'between'
      return 'with'
    }
    return null
  }
  return {
    step: byte => {
      if (place === 'string' || place === 'string-in-nest') return inString(byte)
      if (place === 'nest') return inNest(byte)
      if (place === 'between') return between(byte)
      if (place === 'before') {
        if (byte === 0x5b) place = 'between'
        // What is no array has no elements; a byte order mark may stand before one.
        else if (!isSpace(byte) && byte !== 0xef && byte !== 0xbb && byte !== 0xbf) place = 'after'
      } else if (place === 'scalar' && (byte === comma || byte === 0x5d || isSpace(byte))) {
        place = 'between'
        // A closing bracket begins what is left over; nothing follows that would need it as a frame.
        between(byte)
        return 'without'
      }
      return null
    },
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
