import { expect, it } from 'vitest'
import type { Exchange } from '../../core/types.ts'
import { blameProvider } from '../../runner/blame.ts'
import { makeExchange } from '../rows.ts'

let count = 0
const exchange = (change: Partial<Exchange>): Exchange =>
  makeExchange({
    id: String(++count),
    scope: { kind: 'trial', id: 't' },
    turn: 1,
    attempt: 1,
    route: 'r',
    requestBytes: 1,
    responseBytes: 1,
    endedAt: 1,
    ...change,
  })
const failure = (code: string) => ({ outcome: 'refused' as const, status: 400, failure: { code, message: 'm' } })

it.each([
  [{ status: 401 }, 'provider'],
  [{ status: 402 }, 'provider'],
  [{ status: 404 }, 'provider'],
  [{ status: 429 }, 'provider'],
  [{ status: 500 }, 'provider'],
  [{ status: 529 }, 'provider'],
  [{ outcome: 'upstream-cut' as const }, 'provider'],
  [{ outcome: 'upstream-refused' as const, status: null }, 'provider'],
  [{ outcome: 'timed-out' as const, status: null }, 'provider'],
  [{ outcome: 'proxy-killed' as const }, 'provider'],
  [failure('E_MODEL_UNKNOWN'), 'provider'],
  [failure('E_KEY_MISSING'), 'provider'],
  [failure('E_BUDGET_SPENT'), 'budget'],
  [failure('E_BUDGET_CALLS'), 'budget'],
  [{ status: 529, failure: { code: 'E_INJECTED_FAULT', message: 'm' } }, undefined],
  [{ outcome: 'upstream-cut' as const, failure: { code: 'E_INJECTED_FAULT', message: 'm' } }, undefined],
  [failure('E_BAD_REQUEST'), undefined],
  [failure('E_BODY_TOO_LARGE'), undefined],
  [{ status: 200 }, undefined],
  [{ status: 400 }, undefined],
  [{ status: 413 }, undefined],
  [{ outcome: 'client-aborted' as const }, undefined],
])('an attempt whose last call ended %o is blamed on %s', (change, kind) => {
  expect(blameProvider([exchange({}), exchange(change)], 1, 1)?.kind).toBe(kind)
})

it('judges by the last model call of that very attempt', () => {
  const down = { status: 503 }
  expect(blameProvider([exchange(down), exchange({})], 1, 1)).toBeNull()
  expect(blameProvider([exchange({ ...down, turn: 2 }), exchange({ ...down, attempt: 2 })], 1, 1)).toBeNull()
  expect(blameProvider([], 1, 1)).toBeNull()
  const probes = [
    exchange({ ...down, method: 'GET' }),
    exchange({ ...down, protocol: null }),
    exchange({ ...down, path: '/v1/messages/count_tokens' }),
  ]
  expect(blameProvider([exchange({}), ...probes], 1, 1)).toBeNull()
})
