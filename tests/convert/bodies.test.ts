import { expect, it } from 'vitest'
import { readHeader } from '../../convert/bodies.ts'

it('readHeader ignores case and joins repeated fields', () => {
  expect(
    readHeader(
      [
        ['X-Twice', 'gzip'],
        ['x-twice', 'br'],
      ],
      'x-twice',
    ),
  ).toBe('gzip, br')
  expect(readHeader(null, 'x-twice')).toBeNull()
})
