import { describe, expect, it } from 'vitest'
import { providerPauseMsMax, providerRetryMs } from '../../core/limits.ts'
import type { Exchange } from '../../core/types.ts'
import { createProviderPauses } from '../../runner/provider-pauses.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const answered = (status: number, headers: Exchange['responseHeaders'] = [], route = 'a') =>
  ({ outcome: 'complete', status, responseHeaders: headers, route }) as Exchange
const open = (dice = 0.5, clock = { now }) => createProviderPauses({ now: () => clock.now, random: () => dice })

describe('pauses of providers', () => {
  it('grow with each retry, with full jitter and an end', () => {
    expect([1, 2, 3].map(retry => open().report(answered(500), retry))).toEqual([1, 2, 4].map(n => (n * providerRetryMs) / 2))
    expect(open(0).report(answered(500), 3)).toBe(0)
    expect(open(1).report(answered(500), 60)).toBe(providerPauseMsMax)
  })

  it.each([
    ['seconds', [['Retry-After', '7']], 7_000],
    ['a date', [['retry-after', 'Thu, 01 Jan 2026 00:00:09 GMT']], 9_000],
    [
      'milliseconds',
      [
        ['retry-after-ms', '1500'],
        ['retry-after', '2'],
      ],
      1_500,
    ],
    ['a date gone by', [['retry-after', 'Wed, 31 Dec 2025 00:00:00 GMT']], 0],
  ] as const)('take what the provider asks for, as %s, and a little more', (_, headers, ms) => {
    expect(open(0).report(answered(429, headers), 1)).toBe(ms)
    expect(open(0.5).report(answered(429, headers), 1)).toBe(ms + providerRetryMs / 2)
  })

  it('never wait longer than the bound, and overlook what is no time', () => {
    expect(open().report(answered(429, [['retry-after', '86400']]), 1)).toBe(providerPauseMsMax)
    expect(open().report(answered(429, [['retry-after', 'soon']]), 1)).toBe(providerRetryMs / 2)
  })

  it('hold everybody after 429, 529 and a Retry-After, until the time is over', () => {
    const clock = { now }
    const pauses = open(0.5, clock)
    pauses.report(answered(500), 1)
    expect(pauses.waitMs()).toBe(0)
    pauses.report(answered(429, [['retry-after', '10']]), 1)
    pauses.report(answered(429, [['retry-after', '3']]), 1)
    expect(pauses.waitMs()).toBe(10_000)
    clock.now += 9_000
    expect(pauses.waitMs()).toBe(1_000)
    clock.now += 2_000
    expect(pauses.waitMs()).toBe(0)
    pauses.report(answered(529), 1)
    expect(pauses.waitMs()).toBe(providerRetryMs / 2)
  })

  it('try nothing again that stays as it is', () => {
    for (const status of [401, 402, 403, 404, 400]) expect(open().report(answered(status), 1)).toBeNull()
    expect(open().report({ ...answered(200), outcome: 'refused' }, 1)).toBeNull()
    for (const outcome of ['upstream-cut', 'upstream-refused', 'timed-out'] as const)
      expect(open().report({ ...answered(200), outcome }, 1)).not.toBeNull()
  })
})
