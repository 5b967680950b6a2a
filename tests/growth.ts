// How much more work four times as much takes, told by the processor's time and not by the clock: a machine that is busy must not fail a test.

/** Least time of several tries with four times the size, over the least with the size itself: 4 grows with it, 16 with its square. */
export async function timesMoreOfFour(work: (size: number) => unknown, size: number, tries = 5): Promise<number> {
  work(size) // compiled
  const once = await leastCpuOf(() => work(size), tries)
  return (await leastCpuOf(() => work(4 * size), tries)) / once
}

export async function leastCpuOf(work: () => unknown, tries: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let tried = 0; tried < tries; tried++) least = Math.min(least, await cpuOf(work))
  return least
}

/** Microseconds of this process. */
export async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
