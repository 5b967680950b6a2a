import { expect, it } from 'vitest'
import { drawTable } from '../../cli/table.ts'

it('draws columns without lines, numbers to the right and null as a dash', () => {
  const text = drawTable(
    ['name', 'calls'],
    [
      ['a', 5],
      ['longer', 123],
      ['none', null],
    ],
    { useColour: false },
  )
  expect(text).toBe('name    calls\na           5\nlonger    123\nnone        –\n')
})
