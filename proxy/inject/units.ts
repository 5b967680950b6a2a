// An answer cut into the units that faults count: the events of a stream, whatever frames them, or the whole of a plain document. And
// how one unit is broken so that its JSON cannot be read. Pure.

import type { HeaderList } from '../../core/types.ts'
import type { Framing } from '../../protocols/_framing.ts'
import { findFraming } from '../../protocols/_framings.ts'
import { headerValue } from '../headers.ts'

export interface Unit {
  readonly bytes: Buffer
  /** False for what carries no event: comments, brackets, half a frame at the end. */
  readonly isEvent: boolean
}

export interface UnitSplitter {
  readonly push: (bytes: Buffer) => Unit[]
  readonly rest: () => Buffer
  readonly broken: (unit: Unit) => Buffer
}

/** Bytes a framing needs to see where the content-type does not tell. */
export const tellingBytes = 64

/** Null for a plain document, as far as can be told from these first bytes. */
export function openUnits(headers: HeaderList, first: Buffer): UnitSplitter | null {
  const encoding = headerValue(headers, 'content-encoding')?.toLowerCase() ?? 'identity'
  const type = headerValue(headers, 'content-type')
  // An upstream that compresses although it was asked not to: every chunk is one event.
  if (encoding !== 'identity') return /event-?stream/.test(type ?? '') ? chunks : null
  const framing = findFraming(type, first)
  if (framing === null) return null
  const splitter = framing.openSplitter()
  return {
    push: bytes => splitter.push(bytes).map(frame => ({ bytes: frame, isEvent: framing.readFrame(frame) !== null })),
    rest: splitter.rest,
    broken: unit => breakFrame(framing, unit.bytes),
  }
}

const chunks: UnitSplitter = {
  push: bytes => [{ bytes, isEvent: true }],
  rest: () => Buffer.alloc(0),
  broken: unit => unit.bytes.subarray(0, Math.ceil(unit.bytes.length / 2)),
}

/** Frames with lengths and checksums stay whole around a broken payload: it is the JSON that is malformed, not the transport. */
function breakFrame(framing: Framing, frame: Buffer): Buffer {
  if (framing.id === 'sse' || framing.id === 'json-array') return breakJson(frame)
  const event = framing.readFrame(frame)
  if (event === null) return frame
  const data = breakJson(Buffer.from(event.data)).toString('utf8')
  return Buffer.concat([...framing.writeEvents([{ ...event, data }])])
}

/** Loses the end of its JSON and keeps the white space that ends a line or an event. */
export function breakJson(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  const content = text.trimEnd()
  const opening = content.search(/[{[]/)
  // Without JSON (`data: [DONE]` has a bracket) there is still an end to lose.
  const keep = Math.max(opening + 1, Math.floor(content.length * 0.7))
  return Buffer.from(content.slice(0, Math.max(0, Math.min(keep, content.length - 1))) + text.slice(content.length), 'latin1')
}
