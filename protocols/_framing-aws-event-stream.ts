// AWS event streams: messages of a length, headers, a payload and two checksums. A frame is one message. A frame whose checksum is wrong is
// read as an event `corrupt-frame`, so that what was lost shows; after a length that cannot be trusted nothing more is split. Pure.

import { createRequire } from 'node:module'
import { crc32 } from 'node:zlib'
import type { EventStreamCodec, MessageHeaders, MessageHeaderValue } from '@smithy/eventstream-codec'
import type { StreamEvent } from './_adapter.ts'
import type { FrameSplitter, Framing } from './_framing.ts'

const preludeBytes = 12
/** Prelude and closing checksum: no message is shorter. */
const messageBytesMin = 16

/** Loaded with the first message: only AWS speaks this, and every command loads the framings. */
let shared: EventStreamCodec | null = null
function loadCodec(): EventStreamCodec {
  if (shared !== null) return shared
  const library: typeof import('@smithy/eventstream-codec') = createRequire(import.meta.url)('@smithy/eventstream-codec')
  shared = new library.EventStreamCodec(
    bytes => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
    text => Buffer.from(text, 'utf8'),
  )
  return shared
}

export const awsEventStreamFraming: Framing = {
  id: 'aws-event-stream',
  contentType: 'application/vnd.amazon.eventstream',
  matches: (contentType, bytes) => contentType?.toLowerCase().includes('vnd.amazon.eventstream') === true && !isText(bytes),
  openSplitter,
  readFrame,
  *writeEvents(events) {
    for (const event of events) yield writeFrame(event)
  },
}

/** Errors before the stream are plain JSON, whatever their content type says. */
function isText(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b
}

function openSplitter(): FrameSplitter {
  let held: Buffer[] = []
  let heldBytes = 0
  /** Bytes to wait for: a prelude, then its message. */
  let wanted = preludeBytes
  let broken = false
  const cut = (): Buffer | null => {
    if (broken || heldBytes < wanted) return null
    const all = Buffer.concat(held)
    const length = readLength(all)
    if (length === null) {
      broken = true
      return null
    }
    wanted = length
    held = [all]
    if (all.length < length) return null
    held = [all.subarray(length)]
    heldBytes = all.length - length
    wanted = preludeBytes
    return all.subarray(0, length)
  }
  return {
    push: bytes => {
      held.push(Buffer.from(bytes))
      heldBytes += bytes.length
      const frames: Buffer[] = []
      for (let frame = cut(); frame !== null; frame = cut()) frames.push(frame)
      return frames
    },
    rest: () => Buffer.concat(held),
  }
}

/** null when the prelude is not one. */
function readLength(bytes: Buffer): number | null {
  const length = bytes.readUInt32BE(0)
  return length >= messageBytesMin && crc32(bytes.subarray(0, 8)) === bytes.readUInt32BE(8) ? length : null
}

function readFrame(frame: Uint8Array): StreamEvent | null {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  if (bytes.length < preludeBytes) return null
  const length = readLength(bytes)
  // Half a message has nothing in it that could be trusted.
  if (length !== null && bytes.length < length) return null
  try {
    const { headers, body } = loadCodec().decode(length === null ? bytes : bytes.subarray(0, length))
    const said = (name: string): string => String(headers[name]?.value ?? '')
    if (said(':message-type') === 'error')
      return { event: said(':error-code'), data: JSON.stringify({ message: said(':error-message') }) }
    return { event: said(':event-type') || said(':exception-type'), data: Buffer.from(body).toString('utf8') }
  } catch (error) {
    return { event: 'corrupt-frame', data: `${bytes.length} bytes: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/**
 * A frame with other texts in the same headers, its checksums right. The body of an error is no event's and is starred out, and so is all
 * that cannot be read: half a frame keeps the length it announced, a damaged one stays damaged.
 */
export function rewriteFrame(frame: Uint8Array, data: string, header: (name: string, value: string) => string): Buffer {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  try {
    const { headers, body } = loadCodec().decode(bytes)
    const isError = headers[':message-type']?.value === 'error'
    return Buffer.from(
      loadCodec().encode({ headers: mapHeaders(headers, header), body: isError ? stars(body.length) : Buffer.from(data) }),
    )
  } catch {
    const kept = bytes.length >= preludeBytes && readLength(bytes) !== null ? preludeBytes : 0
    return Buffer.concat([bytes.subarray(0, kept), stars(bytes.length - kept)])
  }
}

function mapHeaders(headers: MessageHeaders, map: (name: string, value: string) => string): MessageHeaders {
  const mapped = Object.entries(headers).map(([name, header]): [string, MessageHeaderValue] => {
    if (header.type === 'string' || header.type === 'uuid') return [name, { ...header, value: map(name, header.value) }]
    return [name, header.type === 'binary' ? { ...header, value: stars(header.value.length) } : header]
  })
  return Object.fromEntries(mapped)
}

function stars(count: number): Buffer {
  return Buffer.alloc(count, '*')
}

function writeFrame({ event, data }: StreamEvent): Buffer {
  const exception = /exception$/i.test(event)
  const text = (value: string) => ({ type: 'string', value }) as const
  return Buffer.from(
    loadCodec().encode({
      headers: {
        ...(event === '' ? {} : { [exception ? ':exception-type' : ':event-type']: text(event) }),
        ':content-type': text('application/json'),
        ':message-type': text(exception ? 'exception' : 'event'),
      },
      body: Buffer.from(data),
    }),
  )
}
