#!/bin/sh
cat > /app/cache.mjs <<'END'
export function createCache(options) {
  const { capacity, now = Date.now } = options
  if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError('capacity must be a whole number from 1')
  const entries = new Map()
  const living = key => {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    if (entry.endsAt > now()) return entry
    entries.delete(key)
    return undefined
  }
  const cache = {
    get(key) {
      const entry = living(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },
    set(key, value, { ttlMs = Infinity } = {}) {
      living(key)
      entries.delete(key)
      if (entries.size >= capacity) {
        entries.delete(entries.keys().next().value)
      }
      entries.set(key, { value, endsAt: now() + ttlMs })
    },
    has: key => living(key) !== undefined,
    delete: key => living(key) !== undefined && entries.delete(key),
    get size() {
      return entries.size
    },
  }
  return cache
}
END
