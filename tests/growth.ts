// How much more work four times as much takes, told by the processor's time and not by the clock: a machine that is busy must not fail a test.

/** Least time of several tries with four times the size, over the least with the size itself: 4 grows with it, 16 with its square. */
export function timesMoreOfFour(work: (size: number) => unknown, size: number, tries = 5): number {
  const least = (of: number): number => Math.min(...Array.from({ length: tries }, () => cpuOf(() => work(of))))
  work(size) // compiled
  const once = least(size)
  return least(4 * size) / once
}

/** Microseconds of this process. */
export function cpuOf(work: () => unknown): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
