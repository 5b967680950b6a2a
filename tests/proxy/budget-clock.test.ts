import { expect, it } from 'vitest'
import { openClock } from '../../proxy/budget-clock.ts'

it('counts from its first start, and not what was waited', () => {
  const clock = openClock()
  expect(clock.workedMs(500)).toBe(0)
  clock.start(1000)
  clock.start(5000)
  expect(clock.startedAt()).toBe(1000)
  const first = clock.wait(1100)
  const second = clock.wait(1200)
  expect(clock.workedMs(1300), 'while it waits').toBe(100)
  first(1400)
  first(9999)
  second(1500)
  expect(clock.workedMs(2000), 'overlapping waits count once').toBe(600)
})

it('goes on where it stood before', () => {
  expect(openClock(1000, 250).workedMs(1100)).toBe(350)
})
