import { describe, expect, it } from 'vitest'
import { parseTime, parseTurns, readSelection, readSplit, readWorkers } from '../../cli/convert-options.ts'
import { everything } from '../../convert/select.ts'

const now = Date.UTC(2026, 0, 31, 12)

describe('parseTurns', () => {
  it.each([
    ['3', [{ from: 3, to: 3 }]],
    ['2..4', [{ from: 2, to: 4 }]],
    ['2..', [{ from: 2, to: null }]],
    ['..4', [{ from: null, to: 4 }]],
    [
      '1, 5..6',
      [
        { from: 1, to: 1 },
        { from: 5, to: 6 },
      ],
    ],
  ])('reads %s', (text, ranges) => expect(parseTurns(text)).toEqual(ranges))

  it.each(['', '..', 'two', '1-2', '1,', '4..2', '-1'])('refuses %j', text => expect(() => parseTurns(text)).toThrow('--turn'))
})

describe('parseTime', () => {
  it.each([
    ['2026-01-30', Date.UTC(2026, 0, 30)],
    ['2026-01-30T10:30', Date.UTC(2026, 0, 30, 10, 30)],
    ['2026-01-30 10:30:05', Date.UTC(2026, 0, 30, 10, 30, 5)],
    ['2026-01-30T10:30Z', Date.UTC(2026, 0, 30, 10, 30)],
    ['2026-01-30T10:30+02:00', Date.UTC(2026, 0, 30, 8, 30)],
    ['90m', now - 90 * 60_000],
    ['2h', now - 2 * 3_600_000],
    ['1.5d', now - 36 * 3_600_000],
    ['1w', now - 7 * 86_400_000],
  ])('reads %s', (text, time) => expect(parseTime('--since', text, now)).toBe(time))

  it.each(['', 'now', '2026', '2026-13-01', '2026-01-30T25:00', '5y'])('refuses %j', text =>
    expect(() => parseTime('--since', text, now)).toThrow('--since does not know'),
  )
})

describe('readSelection', () => {
  it('is everything when nothing is asked', () => expect(readSelection({}, now)).toEqual(everything))
  it('reads each flag to its own field', () => {
    const selection = readSelection({ turn: '1', agent: 'a, b', model: 'm*', since: '1h', until: '30m', where: 'score=1' }, now)
    expect(selection).toEqual({
      turns: [{ from: 1, to: 1 }],
      agents: ['a', 'b'],
      models: ['m*'],
      since: now - 3_600_000,
      until: now - 1_800_000,
      where: { kind: 'number', fact: 'score', operator: '=', value: 1 },
    })
    expect(() => readSelection({ agent: 'a,,b' }, now)).toThrow('--agent "a,,b" holds an empty name')
  })
})

it('reads splits and numbers of threads', () => {
  expect(readSplit({})).toBeNull()
  expect(readSplit({ split: 'a=1', by: 'session', seed: 'x' })).toEqual({
    parts: [{ name: 'a', share: 1 }],
    by: 'session',
    seed: 'x',
  })
  expect(readSplit({ split: 'a=1' })).toMatchObject({ by: 'task', seed: '0' })
  expect(() => readSplit({ by: 'task' })).toThrow('nothing is split')
  expect(readWorkers({})).toBeNull()
  expect(readWorkers({ workers: '3' })).toBe(3)
  for (const workers of ['0', '1.5', 'x', '999']) expect(() => readWorkers({ workers })).toThrow('no number of threads')
})
