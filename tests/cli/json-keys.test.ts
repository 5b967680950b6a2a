import { expect, it } from 'vitest'
import { snakeKeys } from '../../cli/json-keys.ts'

it('turns our own names into snake_case, all the way down', () => {
  expect(snakeKeys({ costUsd: 1, cachedWrite5m: 2, rows: [{ startedAt: 'x' }], plain: null })).toEqual({
    cost_usd: 1,
    cached_write5m: 2,
    rows: [{ started_at: 'x' }],
    plain: null,
  })
})

it('leaves values and keys that are data alone', () => {
  const data = { 'gpt-4o': 1, 'not-reached': 2, README: 3, already_snake: 'camelCase' }
  expect(snakeKeys(data)).toEqual(data)
})
