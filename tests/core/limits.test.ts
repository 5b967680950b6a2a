import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import * as limits from '../../core/limits.ts'

it.each(Object.entries(limits))('%s is a positive whole number that ends in its unit, Max or Min', (name, value) => {
  expect(Number.isSafeInteger(value)).toBe(true)
  expect(value).toBeGreaterThan(0)
  expect(name).toMatch(/(Bytes|Ms|Max|Min|Chars)$/)
})

it('gives a reason for each bound', () => {
  const text = readFileSync('core/limits.ts', 'utf8')
  const bounds = text.match(/^export const /gm)?.length ?? 0
  expect(bounds).toBe(Object.keys(limits).length)
  // Two that belong together may share one comment.
  expect(text).not.toMatch(/\n\nexport const /)
  for (const [, reason] of text.matchAll(/\/\*\*([\s\S]*?)\*\//g)) expect(reason?.length).toBeGreaterThan(30)
})

it('can hold the largest body in what it may hold of all bodies', () => {
  expect(limits.requestBodyBytesMax).toBeLessThanOrEqual(limits.requestBodiesBytesMax)
})
