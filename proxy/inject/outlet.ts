// What an agent gets of a spoiled answer, in order and in its own time (timeline.ts): head, parts, pauses between them, and how it ends.

import type { HeaderList } from '../../core/types.ts'
import type { ForwardEvents, Forwarding, UpstreamHead } from '../forward.ts'
import { openTimeline } from './timeline.ts'

export interface Outlet {
  readonly head: (head: UpstreamHead) => void
  readonly data: (bytes: Buffer) => void
  readonly delay: (ms: number) => void
  readonly end: (trailers: HeaderList) => void
  readonly fail: (failure: Parameters<ForwardEvents['onFailure']>[0]) => void
  /** The agent does not read. */
  readonly pause: () => void
  readonly resume: () => void
  /** Nothing more comes out. */
  readonly close: () => void
}

export function openOutlet(events: ForwardEvents, upstream: () => Forwarding | null): Outlet {
  const timeline = openTimeline(upstream)
  return {
    head: head => timeline.add(() => events.onHead(head)),
    data: bytes => timeline.add(() => events.onData(bytes), bytes.length),
    delay: timeline.delay,
    end: trailers => timeline.last(() => events.onEnd(trailers)),
    fail: failure => timeline.last(() => events.onFailure(failure)),
    pause: timeline.pause,
    resume: timeline.resume,
    close: timeline.close,
  }
}
