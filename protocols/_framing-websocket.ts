// Messages of a WebSocket as a framing: each is one RFC 6455 frame as a server would send it (FIN, text or binary, shortest length form,
// unmasked, uncompressed), whatever frames it came in. Lossless for boundaries and types of messages. Pure.

import type { FrameSplitter, Framing } from './_framing.ts'

export interface WebSocketMessage {
  readonly payload: Buffer
  readonly binary: boolean
}

const fin = 0x80
const text = 1
const binaryData = 2
const masked = 0x80
const empty: Buffer = Buffer.alloc(0)

export const webSocketFraming: Framing = {
  id: 'websocket',
  contentType: 'application/vnd.turnpike.websocket',
  matches: contentType => contentType?.toLowerCase().startsWith('application/vnd.turnpike.websocket') === true,
  openSplitter,
  readFrame: frame => {
    const message = readMessage(frame)
    return message === null ? null : { event: '', data: message.payload.toString('utf8') }
  },
  *writeEvents(events) {
    for (const { data } of events) yield writeMessage({ payload: Buffer.from(data), binary: false })
  },
}

/** The frame of a message; its payload is the frame's tail. */
export function writeMessage({ payload, binary }: WebSocketMessage): Buffer {
  const head = [fin | (binary ? binaryData : text)]
  if (payload.length < 126) head.push(payload.length)
  else if (payload.length < 65536) head.push(126, payload.length >> 8, payload.length & 0xff)
  else {
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(payload.length))
    head.push(127, ...length)
  }
  return Buffer.concat([Buffer.from(head), payload])
}

/** All messages of a recorded body; what the last frame lacks is left out. */
export function readMessages(bytes: Uint8Array): WebSocketMessage[] {
  return openSplitter()
    .push(bytes)
    .flatMap(frame => readMessage(frame) ?? [])
}

/** The message in a frame, half or whole; null for control frames and where not even the length has arrived. */
export function readMessage(frame: Uint8Array): WebSocketMessage | null {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  const head = readHead(bytes)
  const opcode = (bytes[0] ?? 0) & 0x0f
  if (head === null || opcode > binaryData) return null
  const payload = bytes.subarray(head.headBytes, head.frameBytes)
  return { payload: head.mask === null ? payload : unmask(payload, head.mask), binary: opcode === binaryData }
}

interface FrameHead {
  readonly headBytes: number
  /** Infinity when no buffer could hold it. */
  readonly frameBytes: number
  readonly mask: Buffer | null
}

/** null while the head is not there in full. */
function readHead(bytes: Buffer): FrameHead | null {
  const second = bytes[1]
  if (second === undefined) return null
  const short = second & 0x7f
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0
  const maskAt = 2 + lengthBytes
  const headBytes = maskAt + ((second & masked) === 0 ? 0 : 4)
  if (bytes.length < headBytes) return null
  const payloadBytes = lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthBytes === 2 ? bytes.readUInt16BE(2) : short
  return {
    headBytes,
    frameBytes: Number.isSafeInteger(payloadBytes) ? headBytes + payloadBytes : Number.POSITIVE_INFINITY,
    mask: headBytes === maskAt ? null : bytes.subarray(maskAt, headBytes),
  }
}

function unmask(payload: Buffer, mask: Buffer): Buffer {
  const plain = Buffer.from(payload)
  for (let at = 0; at < plain.length; at++) plain[at] = (plain[at] ?? 0) ^ (mask[at & 3] ?? 0)
  return plain
}

/** Chunks of a frame in the making are joined only when it is complete: a large message in many small chunks must not cost its square. */
function openSplitter(): FrameSplitter {
  let held: Buffer[] = []
  let heldBytes = 0
  /** Bytes that must be there before it is worth looking again. */
  let wantedBytes = 2
  return {
    push: chunk => {
      held.push(Buffer.from(chunk))
      heldBytes += chunk.length
      if (heldBytes < wantedBytes) return []
      const cut = cutFrames(Buffer.concat(held))
      held = cut.rest.length === 0 ? [] : [cut.rest]
      heldBytes = cut.rest.length
      wantedBytes = cut.wantedBytes
      return cut.frames
    },
    rest: () => (held.length === 0 ? empty : Buffer.concat(held)),
  }
}

function cutFrames(bytes: Buffer): { readonly frames: Buffer[]; readonly rest: Buffer; readonly wantedBytes: number } {
  const frames: Buffer[] = []
  let start = 0
  for (;;) {
    const rest = bytes.subarray(start)
    const head = readHead(rest)
    if (head === null) return { frames, rest, wantedBytes: rest.length + 1 }
    if (rest.length < head.frameBytes) return { frames, rest, wantedBytes: head.frameBytes }
    frames.push(rest.subarray(0, head.frameBytes))
    start += head.frameBytes
  }
}
