// An answer as it will cross the wire: head, frames with the silence before each, and how the connection ends. Pure.
// faults.ts changes a transmission, wire.ts plays it; neither knows what the bytes mean.

import type { Pace } from './script.ts'

export interface Frame {
  readonly bytes: Buffer
  /** Silence before it. */
  readonly waitMs: number
}

export interface Transmission {
  /** null: the connection ends before any head is sent. */
  readonly head: { readonly status: number; readonly headers: Readonly<Record<string, string>> } | null
  readonly frames: readonly Frame[]
  /** How many bytes go out at once; null = a frame at a time. */
  readonly dripMs: number | null
  /** `end`: as HTTP says. `cut`: the socket is closed in the middle. `reset`: it is torn down with RST. */
  readonly ending: 'end' | 'cut' | 'reset'
}

/** A streamed answer: one frame per event, as its framing writes it. */
export function streamTransmission(
  frames: readonly Buffer[],
  contentType: string,
  headers: Readonly<Record<string, string>>,
  pace: Pace,
): Transmission {
  return {
    head: {
      status: 200,
      headers: { ...headers, 'content-type': contentType, 'cache-control': 'no-cache' },
    },
    frames: frames.map((bytes, index) => ({ bytes, waitMs: index === 0 ? pace.delayMs : pace.chunkDelayMs })),
    dripMs: null,
    ending: 'end',
  }
}

/** A whole JSON answer, or an error. */
export function jsonTransmission(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
  delayMs = 0,
): Transmission {
  const bytes = Buffer.from(JSON.stringify(body))
  return {
    head: {
      status,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': String(bytes.length) },
    },
    frames: [{ bytes, waitMs: delayMs }],
    dripMs: null,
    ending: 'end',
  }
}
