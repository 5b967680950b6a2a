// Server-sent events as a framing: a frame is everything up to and with the blank line that dispatches the event. What an event says is
// read by _sse.ts. Pure.

import type { FrameSplitter, Framing } from './_framing.ts'
import { readSse, writeSse } from './_sse.ts'

const LF = 0x0a
const CR = 0x0d

export const sseFraming: Framing = {
  id: 'sse',
  contentType: 'text/event-stream',
  matches: (contentType, bytes) => {
    const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 64)).toString('utf8')
    if (contentType?.toLowerCase().includes('text/event-stream') === true) return !/^\ufeff?\s*[{[]/.test(start)
    return /^\ufeff?\s*(event|data|id|retry)?:/.test(start)
  },
  openSplitter,
  readFrame: frame => readSse(frame)[0] ?? null,
  readAll: readSse,
  *writeEvents(events) {
    for (const event of events) yield Buffer.from(writeSse(event))
  },
}

/** A frame ends after the line break of an empty line; a CR is not held back for an LF that may follow: that LF then begins the next frame. */
function openSplitter(): FrameSplitter {
  let held: Buffer[] = []
  const blankLine = openBlankLines()
  return {
    push: bytes => {
      const frames: Buffer[] = []
      let start = 0
      for (let at = 0; at < bytes.length; at++) {
        if (!blankLine(bytes[at] ?? 0)) continue
        frames.push(Buffer.concat([...held, bytes.subarray(start, at + 1)]))
        held = []
        start = at + 1
      }
      if (start < bytes.length) held.push(Buffer.from(bytes.subarray(start)))
      return frames
    },
    rest: () => Buffer.concat(held),
  }
}

/** Told every byte, says which ones end an empty line. */
function openBlankLines(): (byte: number) => boolean {
  let lineBytes = 0
  let afterCarriageReturn = false
  return byte => {
    const secondOfBreak = byte === LF && afterCarriageReturn
    afterCarriageReturn = byte === CR
    if (secondOfBreak) return false
    if (byte !== LF && byte !== CR) lineBytes++
    else if (lineBytes === 0) return true
    else lineBytes = 0
    return false
  }
}
