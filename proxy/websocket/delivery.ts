// What goes to the agent, in order: a delivery that must wait for a commit holds back everything behind it. Knows nothing of sockets.

export interface Delivery {
  /** Delivers when all before has been delivered and `after` is fulfilled. A rejected `after` ends everything: nothing more is delivered. */
  readonly push: (deliver: () => void, after?: Promise<unknown>, bytes?: number) => void
  /** Bytes that wait. */
  readonly heldBytes: () => number
  readonly idle: () => boolean
}

interface Item {
  readonly deliver: () => void
  readonly after: Promise<unknown> | null
  readonly bytes: number
}

export interface DeliveryEvents {
  /** What was held back has been delivered. */
  readonly onReleased: () => void
  readonly onFailed: (error: unknown) => void
}

export function createDelivery(events: DeliveryEvents): Delivery {
  const waiting: Item[] = []
  let heldBytes = 0
  let running = false
  let failed = false
  const run = async (): Promise<void> => {
    running = true
    try {
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        if (next.after !== null) await next.after
        waiting.shift()
        heldBytes -= next.bytes
        next.deliver()
      }
      running = false
      events.onReleased()
    } catch (error) {
      failed = true
      waiting.length = 0
      heldBytes = 0
      events.onFailed(error)
    }
  }
  return {
    push: (deliver, after = undefined, bytes = 0) => {
      if (failed) return void after?.catch(() => undefined)
      if (!running && after === undefined) return deliver()
      after?.catch(() => undefined) // looked at when its turn comes
      waiting.push({ deliver, after: after ?? null, bytes })
      heldBytes += bytes
      if (!running) void run()
    },
    heldBytes: () => heldBytes,
    idle: () => !running,
  }
}
