#!/bin/sh
cat > /app/cache.mjs <<'END'
export function createCache(options) {
  const { capacity, now = Date.now, policy = 'fifo' } = options
  if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError('capacity must be a whole number from 1')
  if (policy !== 'fifo' && policy !== 'lru') throw new RangeError('policy must be fifo or lru')
  const entries = new Map()
  const counts = { hits: 0, misses: 0, evictions: 0 }
  const running = new Map()
  const living = key => {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    if (entry.endsAt > now()) return entry
    entries.delete(key)
    return undefined
  }
  const sweep = () => {
    for (const key of [...entries.keys()]) living(key)
  }
  const cache = {
    get(key) {
      const entry = living(key)
      counts[entry === undefined ? 'misses' : 'hits']++
      if (entry === undefined) return undefined
      if (policy === 'lru') {
        entries.delete(key)
        entries.set(key, entry)
      }
      return entry.value
    },
    set(key, value, { ttlMs = Infinity } = {}) {
      if (living(key) !== undefined && policy === 'fifo') {
        entries.set(key, { value, endsAt: now() + ttlMs })
        return
      }
      entries.delete(key)
      if (entries.size >= capacity) sweep()
      if (entries.size >= capacity) {
        entries.delete(entries.keys().next().value)
        counts.evictions++
      }
      entries.set(key, { value, endsAt: now() + ttlMs })
    },
    has: key => living(key) !== undefined,
    delete: key => living(key) !== undefined && entries.delete(key),
    get size() {
      sweep()
      return entries.size
    },
    stats: () => ({ ...counts }),
    async getOrCompute(key, compute, setOptions) {
      const before = running.get(key)
      if (before !== undefined) return before
      const entry = living(key)
      if (entry !== undefined) return cache.get(key)
      counts.misses++
      const work = (async () => {
        const value = await compute(key)
        cache.set(key, value, setOptions)
        return value
      })().finally(() => running.delete(key))
      running.set(key, work)
      return work
    },
  }
  return cache
}
END
