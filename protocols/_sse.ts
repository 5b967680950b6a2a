// Server-sent events from bytes and back, after the WHATWG rules: \n, \r\n or \r, a leading byte order mark, comments, several data
// lines, UTF-8 cut anywhere. One deliberate difference: what is left when the stream ends inside an event is handed out by `end`
// (the rules drop it), because half an event is evidence too. Pure; memory is bounded by `eventBytesMax`, whatever is sent.

import type { StreamEvent } from './_adapter.ts'

/** An image in one event is a few MB of base64; what exceeds this is cut off, and the event then fails to parse as JSON. */
const eventBytesDefault = 64 * 1024 * 1024

export interface SseDecoder {
  /** The events that these bytes completed. */
  readonly push: (bytes: Uint8Array) => StreamEvent[]
  /** The event the stream ended in, if any. The decoder is spent afterwards. */
  readonly end: () => StreamEvent[]
}

const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a

export function openSseDecoder(options: { readonly eventBytesMax?: number } = {}): SseDecoder {
  const bytesMax = options.eventBytesMax ?? eventBytesDefault
  const line = growableBytes()
  let first = true
  let afterCarriageReturn = false
  let event = ''
  let data: string[] = []
  let dataBytes = 0

  function keep(bytes: Uint8Array): void {
    const room = bytesMax - dataBytes - line.length()
    if (room > 0) line.append(bytes.length > room ? bytes.subarray(0, room) : bytes)
  }

  function readLine(into: StreamEvent[]): void {
    let bytes = line.take()
    if (first && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3)
    first = false
    const colon = bytes.indexOf(COLON)
    if (bytes.length === 0) dispatch(into)
    else if (colon !== 0) readField(bytes, colon)
  }

  function readField(bytes: Buffer, colon: number): void {
    const field = (colon < 0 ? bytes : bytes.subarray(0, colon)).toString('utf8')
    const valueStart = colon < 0 ? bytes.length : bytes[colon + 1] === 0x20 ? colon + 2 : colon + 1
    if (field === 'data' && dataBytes < bytesMax) {
      const value = bytes.subarray(valueStart)
      dataBytes += value.length + 1
      data.push(value.toString('utf8'))
    } else if (field === 'event') event = bytes.subarray(valueStart).toString('utf8')
  }

  function dispatch(into: StreamEvent[]): void {
    if (data.length > 0) into.push({ event, data: data.join('\n') })
    event = ''
    data = []
    dataBytes = 0
  }

  function push(bytes: Uint8Array): StreamEvent[] {
    const events: StreamEvent[] = []
    let start = 0
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]
      const followsCarriageReturn = afterCarriageReturn
      afterCarriageReturn = false
      if (byte !== LF && byte !== CR) continue
      if (byte === LF && followsCarriageReturn) {
        start = at + 1
        continue
      }
      keep(bytes.subarray(start, at))
      start = at + 1
      afterCarriageReturn = byte === CR
      readLine(events)
    }
    keep(bytes.subarray(start))
    return events
  }

  function end(): StreamEvent[] {
    const events: StreamEvent[] = []
    if (line.length() > 0) readLine(events)
    dispatch(events)
    return events
  }

  return { push, end }
}

/** Bytes that arrive one at a time cost amortised constant time each. */
function growableBytes() {
  let buffer = Buffer.allocUnsafe(1024)
  let used = 0
  return {
    length: () => used,
    append(bytes: Uint8Array): void {
      if (used + bytes.length > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, used + bytes.length))
        buffer.copy(larger, 0, 0, used)
        buffer = larger
      }
      buffer.set(bytes, used)
      used += bytes.length
    },
    /** A view that is valid until the next append. */
    take(): Buffer {
      const taken = buffer.subarray(0, used)
      used = 0
      return taken
    },
  }
}

/** A whole recorded stream. */
export function readSse(bytes: Uint8Array): StreamEvent[] {
  const decoder = openSseDecoder()
  return [...decoder.push(bytes), ...decoder.end()]
}

/** The text of one event, blank line included. */
export function writeSse(event: StreamEvent): string {
  const name = event.event === '' ? '' : `event: ${event.event}\n`
  return `${name}${event.data
    .split(/\r\n|\r|\n/)
    .map(part => `data: ${part}\n`)
    .join('')}\n`
}
