// Keys of printed JSON are snake_case; the product's own names are camelCase. Only keys of that shape change, never values.

/** A copy with `costUsd` as `cost_usd`, all the way down. Keys that are data (names of models, tasks) keep their form: they are no camelCase words. */
export function snakeKeys(value: unknown): object {
  return convert(value) as object
}

function convert(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convert)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [snakeKey(key), convert(inner)]))
}

function snakeKey(key: string): string {
  if (!/^[a-z]+([A-Z0-9][a-z0-9]*)+$/.test(key)) return key
  return key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
