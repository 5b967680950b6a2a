import { describe, expect, it } from 'vitest'
import { createOutput } from '../../cli/output.ts'
import { describeProgress, noteNowAndThen, showProgress } from '../../cli/progress.ts'

const half = { scopes: 1, scopesTotal: 4, calls: 500, callsTotal: 2000 }

describe('describeProgress', () => {
  it.each([
    [half, 10_000, '1 of 4 scopes, 500 of 2,000 calls, about 30 s left'],
    [half, 100_000, '1 of 4 scopes, 500 of 2,000 calls, about 5 min left'],
    [half, 3_600_000, '1 of 4 scopes, 500 of 2,000 calls, about 3.0 h left'],
    [{ ...half, calls: 0 }, 10_000, '1 of 4 scopes, 0 of 2,000 calls'],
    [{ ...half, calls: 2000 }, 10_000, '1 of 4 scopes, 2,000 of 2,000 calls'],
    [{ ...half, callsTotal: null }, 10_000, '1 of 4 scopes, 500 calls'],
  ])('%j after %i ms: %s', (progress, ms, text) => expect(describeProgress(progress, ms)).toBe(text))
})

it.each([
  [true, ['a: 3', 'a: 5']],
  [false, []],
])('notes are for a terminal (%s), one a second', (isTty, expected) => {
  const lines: string[] = []
  let at = 0
  const output = { ...createOutput(process.stdout, process.stderr, {}), isTty, note: (line: string) => lines.push(line) }
  const tell = noteNowAndThen(
    { output },
    (name: string, count: number) => `${name}: ${count}`,
    () => at,
  )
  for (let count = 1; count <= 6; count++) {
    tell('a', count)
    at += 500
  }
  expect(lines).toEqual(expected)
})

describe('showProgress without a terminal', () => {
  const watch = async (json: boolean) => {
    const lines: string[] = []
    let at = 0
    const output = { ...createOutput(process.stdout, process.stderr, {}), isTty: false, note: (line: string) => lines.push(line) }
    const view = await showProgress({ json, output }, () => at)
    for (at = 0; at <= 25_000; at += 500) view.update({ ...half, calls: at / 100 })
    view.done()
    return lines
  }
  it('is a line every ten seconds', async () => expect(await watch(false)).toHaveLength(2))
  it('is nothing with --json', async () => expect(await watch(true)).toEqual([]))
})
