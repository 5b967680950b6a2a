// Messages of a WebSocket as they lie in the bytes of a connection, read by a parser of its own: what the proxy recorded is judged with it,
// so it shares no code with the proxy.

import { inflateRawSync } from 'node:zlib'

export interface Message {
  readonly binary: boolean
  readonly payload: Buffer
}

export interface MessageReader {
  /** The messages that these bytes complete. */
  readonly push: (bytes: Buffer) => Message[]
}

interface Frame {
  readonly fin: boolean
  readonly compressed: boolean
  readonly opcode: number
  readonly payload: Buffer
  readonly bytes: number
}

const windowBytes = 32 * 1024

export function openMessageReader(): MessageReader {
  let rest: Buffer = Buffer.alloc(0)
  let parts: Frame[] = []
  let window: Buffer = Buffer.alloc(0)
  const finish = (): Message => {
    const first = parts[0]
    let payload = Buffer.concat(parts.map(frame => frame.payload))
    if (first?.compressed === true) {
      // Earlier messages are the dictionary of this one, unless the peers agreed otherwise; then nothing refers to it.
      const closed = Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])])
      payload = inflateRawSync(closed, { finishFlush: 2, ...(window.length > 0 ? { dictionary: window } : {}) })
      window = Buffer.concat([window, payload]).subarray(-windowBytes)
    }
    parts = []
    return { binary: first?.opcode === 2, payload }
  }
  return {
    push: bytes => {
      rest = Buffer.concat([rest, bytes])
      const messages: Message[] = []
      for (let frame = readFrame(rest); frame !== null; frame = readFrame(rest)) {
        rest = rest.subarray(frame.bytes)
        if (frame.opcode > 2) continue // pings, pongs and closes are no messages
        parts.push(frame)
        if (frame.fin) messages.push(finish())
      }
      return messages
    },
  }
}

function readFrame(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null
  const [first = 0, second = 0] = bytes
  const short = second & 0x7f
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0
  const masked = (second & 0x80) !== 0
  const start = 2 + extended + (masked ? 4 : 0)
  if (bytes.length < start) return null
  const length = extended === 2 ? bytes.readUInt16BE(2) : extended === 8 ? Number(bytes.readBigUInt64BE(2)) : short
  if (bytes.length < start + length) return null
  const mask = bytes.subarray(start - 4, start)
  const payload = Buffer.from(bytes.subarray(start, start + length))
  if (masked) for (let index = 0; index < length; index++) payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0)
  return { fin: (first & 0x80) !== 0, compressed: (first & 0x40) !== 0, opcode: first & 0x0f, payload, bytes: start + length }
}

/** Whether two lists hold the same messages; what differs is described. */
export function compareMessages(what: string, seen: readonly Message[], stored: readonly Message[]): string[] {
  const left = stored.map(describe)
  const missing = seen.map(describe).filter(text => {
    const at = left.indexOf(text)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  return [
    ...missing.map(text => `${what} is not in the record: ${text.slice(0, 80)}`),
    ...left.map(text => `${what} is in the record only: ${text.slice(0, 80)}`),
  ]
}

/** Latin-1 keeps every byte apart and most of the text readable. */
const describe = ({ binary, payload }: Message): string => `${binary ? 'binary' : 'text'} ${payload.toString('latin1')}`
