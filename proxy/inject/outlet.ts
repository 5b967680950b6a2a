// What an agent gets of a spoiled answer, in order and in its own time: parts, pauses between them, and how it ends. Bounded: while much
// is waiting, the upstream is not read. Decides nothing.

import type { HeaderList } from '../../core/types.ts'
import type { ForwardEvents, Forwarding, UpstreamHead } from '../forward.ts'

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

/** Bytes that wait here before the upstream is paused. */
const waitingBytesMax = 1024 * 1024

type Item = { readonly bytes: number } & ({ readonly ms: number } | { readonly act: () => void })

export function openOutlet(events: ForwardEvents, upstream: () => Forwarding | null): Outlet {
  const items: Item[] = []
  let waitingBytes = 0
  let timer: NodeJS.Timeout | null = null
  let paused = false
  let closed = false
  /** Something may come out now. */
  const flow = (): void => {
    while (!closed && !paused && timer === null) {
      const item = items.shift()
      if (item === undefined) break
      waitingBytes -= item.bytes
      if ('act' in item) item.act()
      else
        timer = setTimeout(() => {
          timer = null
          flow()
        }, item.ms)
    }
    if (closed) return
    if (paused || waitingBytes > waitingBytesMax) upstream()?.pause()
    else upstream()?.resume()
  }
  const add = (item: Item): void => {
    if (closed) return
    items.push(item)
    waitingBytes += item.bytes
    flow()
  }
  const close = (): void => {
    closed = true
    items.length = 0
    if (timer !== null) clearTimeout(timer)
  }
  const last = (act: () => void): void =>
    add({
      bytes: 0,
      act: () => {
        close()
        act()
      },
    })
  return {
    head: head => add({ bytes: 0, act: () => events.onHead(head) }),
    data: bytes => add({ bytes: bytes.length, act: () => events.onData(bytes) }),
    delay: ms => add({ bytes: 0, ms }),
    end: trailers => last(() => events.onEnd(trailers)),
    fail: failure => last(() => events.onFailure(failure)),
    pause: () => {
      paused = true
      flow()
    },
    resume: () => {
      paused = false
      flow()
    },
    close,
  }
}
