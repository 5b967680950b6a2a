// Things that happen in order and in their own time: acts, and pauses between them. Bounded: while much is waiting, the source is not
// read. Knows nothing of what happens.

export interface Timeline {
  /** Happens when everything before it has; `bytes` is what it keeps in memory until then. */
  readonly add: (act: () => void, bytes?: number) => void
  readonly delay: (ms: number) => void
  /** Nothing happens after it. */
  readonly last: (act: () => void) => void
  /** Whoever gets it does not read. */
  readonly pause: () => void
  readonly resume: () => void
  /** Nothing more happens. */
  readonly close: () => void
}

export interface Source {
  readonly pause: () => void
  readonly resume: () => void
}

/** Bytes that wait here before the source is paused. */
const waitingBytesMax = 1024 * 1024

type Item = { readonly bytes: number } & ({ readonly ms: number } | { readonly act: () => void })

export function openTimeline(source: () => Source | null): Timeline {
  const items: Item[] = []
  let waitingBytes = 0
  let timer: NodeJS.Timeout | null = null
  let paused = false
  let sourcePaused = false
  let closed = false
  const steer = (): void => {
    const full = paused || waitingBytes > waitingBytesMax
    if (full === sourcePaused) return
    sourcePaused = full
    if (full) source()?.pause()
    else source()?.resume()
  }
  /** Whatever may happen now, happens. */
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
    if (!closed) steer()
  }
  const put = (item: Item): void => {
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
  return {
    add: (act, bytes = 0) => put({ act, bytes }),
    delay: ms => put({ ms, bytes: 0 }),
    last: act => {
      const end = (): void => {
        close()
        act()
      }
      put({ act: end, bytes: 0 })
    },
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
