#!/bin/sh
cat > /app/cache.mjs <<'END'
export function createCache(options) {
  const { capacity } = options
  if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError('capacity must be a whole number from 1')
  const entries = new Map()
  const cache = {
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },
    set(key, value) {
      entries.delete(key)
      if (entries.size >= capacity) {
        entries.delete(entries.keys().next().value)
      }
      entries.set(key, { value })
    },
    has: key => entries.has(key),
    delete: key => entries.delete(key),
    get size() {
      return entries.size
    },
  }
  return cache
}
END
