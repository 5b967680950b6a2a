// Spoils a transmission the way real providers and networks do. Pure: what it returns is played by wire.ts, so every fault is
// real on the wire. It must never produce a clean end where the fault says the connection broke.

import type { Dialect } from './dialect.ts'
import type { Fault } from './script.ts'
import { type Frame, jsonTransmission, type Transmission } from './transmission.ts'

export interface FaultContext {
  readonly dialect: Dialect
  readonly requestId: string
  readonly headers: Readonly<Record<string, string>>
}

const statusMessages: Readonly<Record<number, string>> = {
  401: 'Invalid API key (simulated fault).',
  429: 'Rate limit exceeded, try again later (simulated fault).',
  500: 'Internal server error (simulated fault).',
  503: 'Service unavailable (simulated fault).',
  529: 'Overloaded (simulated fault).',
}

export function applyFault(sound: Transmission, fault: Fault, context: FaultContext): Transmission {
  switch (fault.kind) {
    case 'status':
      return failWithStatus(sound, fault, context)
    case 'reset':
    case 'refuse_connection':
      return { ...sound, head: null, frames: waitOnly(sound), ending: 'reset' }
    case 'cut':
      return { ...sound, frames: splitFrames(sound, fault.afterEvents)[0], ending: 'cut' }
    case 'stall':
      return { ...sound, frames: stallFrames(sound, fault) }
    case 'malformed':
      return breakJson(sound, fault.afterEvents)
    case 'drip':
      return { ...sound, dripMs: fault.ms }
  }
}

function failWithStatus(sound: Transmission, fault: Fault, { dialect, requestId, headers }: FaultContext): Transmission {
  const message = statusMessages[fault.status] ?? `Status ${fault.status} (simulated fault).`
  const retryAfter = fault.retryAfterS === null ? {} : { 'retry-after': String(fault.retryAfterS) }
  const body = dialect.writeError({ status: fault.status, message, requestId })
  return jsonTransmission(fault.status, body, { ...headers, ...retryAfter }, sound.frames[0]?.waitMs ?? 0)
}

/** What passes before the fault, and the rest. Of a single JSON body, half passes; nothing when the fault comes after 0 events. */
function splitFrames(sound: Transmission, afterEvents: number): readonly [Frame[], Frame[]] {
  const [only] = sound.frames
  if (sound.frames.length !== 1 || only === undefined)
    return [sound.frames.slice(0, afterEvents), sound.frames.slice(afterEvents)]
  if (afterEvents === 0) return [[], [only]]
  const half = Math.ceil(only.bytes.length / 2)
  return [[{ ...only, bytes: only.bytes.subarray(0, half) }], [{ bytes: only.bytes.subarray(half), waitMs: 0 }]]
}

function stallFrames(sound: Transmission, fault: Fault): Frame[] {
  const [before, [next, ...after]] = splitFrames(sound, fault.afterEvents)
  return next ? [...before, { ...next, waitMs: next.waitMs + fault.ms }, ...after] : before
}

/** One event (or the body) loses the end of its JSON; what follows is sound again. */
function breakJson(sound: Transmission, afterEvents: number): Transmission {
  const index = sound.frames.length === 1 ? 0 : Math.min(afterEvents, sound.frames.length - 1)
  const frames = sound.frames.map((frame, at) => (at === index ? { ...frame, bytes: breakBytes(frame.bytes) } : frame))
  const length = sound.head?.headers['content-length']
  if (sound.head === null || length === undefined) return { ...sound, frames }
  const bytes = frames.reduce((sum, frame) => sum + frame.bytes.length, 0)
  return { ...sound, frames, head: { ...sound.head, headers: { ...sound.head.headers, 'content-length': String(bytes) } } }
}

function breakBytes(bytes: Buffer): Buffer {
  return Buffer.from(breakText(bytes.toString('latin1')), 'latin1')
}

/** Keeps the line breaks that end a server-sent event. */
function breakText(text: string): string {
  const content = text.trimEnd()
  const opening = content.lastIndexOf('{')
  const keep = Math.max(opening + 1, Math.floor(content.length * 0.7))
  return content.slice(0, Math.min(keep, content.length - 1)) + text.slice(content.length)
}

/** A delay before a reset is kept: the client waits, then finds the connection gone. */
function waitOnly(sound: Transmission): Frame[] {
  const waitMs = sound.frames[0]?.waitMs ?? 0
  return waitMs === 0 ? [] : [{ bytes: Buffer.alloc(0), waitMs }]
}
