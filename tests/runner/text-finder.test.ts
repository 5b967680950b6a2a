import { expect, it } from 'vitest'
import { createTextFinder } from '../../runner/text-finder.ts'

/** The same numbers for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function findAll(texts: readonly string[], bytes: Buffer): string[] {
  const finder = createTextFinder()
  for (const text of texts) finder.add(text)
  const found: string[] = []
  finder.find(bytes, (text, start) => found.push(`${start} ${text}`))
  return found.sort()
}

function findPlainly(texts: readonly string[], bytes: Buffer): string[] {
  const found: string[] = []
  for (const text of new Set(texts))
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) found.push(`${at} ${text}`)
  return found.sort()
}

it('finds every place of every text, as a plain search would', () => {
  const random = createRandom(7)
  // Few letters: texts that overlap, repeat and begin alike.
  const write = (length: number, letters: number): string =>
    Array.from({ length }, () => 'abcdefghijklmnopqrstuvwxyz -=(.'[random(letters)]).join('')
  for (let round = 0; round < 60; round++) {
    const letters = [2, 3, 31][round % 3] ?? 31
    const texts = Array.from({ length: 1 + random(40) }, () => write(32 + random(40), letters))
    const parts = Array.from({ length: 30 }, () =>
      random(3) === 0 ? (texts[random(texts.length)] ?? '') : write(random(90), letters),
    )
    const bytes = Buffer.from(parts.join(''))
    expect(findAll(texts, bytes)).toEqual(findPlainly(texts, bytes))
  }
})

it('finds one text in the other, at the very front and the very end, and a text that repeats itself', () => {
  const inner = 'x'.repeat(32)
  const outer = `${inner}y and so on`
  const bytes = Buffer.from(`${outer}${inner}x`)
  expect(findAll([inner, outer], bytes)).toEqual(findPlainly([inner, outer], bytes))
  expect(findAll([inner], bytes)).toHaveLength(3)
  expect(findAll([], bytes)).toEqual([])
  expect(findAll([outer], Buffer.from(outer.slice(0, -1)))).toEqual([])
})

it('finds what is not in our letters, and refuses what is too short', () => {
  const text = 'größer als alles, was je gemessen wurde €'
  expect(findAll([text], Buffer.from(`— ${text} —`))).toEqual([`4 ${text}`])
  expect(() => createTextFinder().add('short')).toThrow(/too short/)
})
