import { expect, it } from 'vitest'
import { addTo, groupBy } from '../../core/groups.ts'

it('keeps the order of arrival, of groups and within them', () => {
  const groups = groupBy(['pear', 'apple', 'plum', 'avocado'], word => word[0])
  expect([...groups]).toEqual([
    ['p', ['pear', 'plum']],
    ['a', ['apple', 'avocado']],
  ])
  addTo(groups, 'p', 'peach')
  addTo(groups, 'c', 'cherry')
  expect(groups.get('p')).toEqual(['pear', 'plum', 'peach'])
  expect([...groups.keys()]).toEqual(['p', 'a', 'c'])
})
