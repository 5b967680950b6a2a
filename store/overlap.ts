// How much two bodies share at their beginning and at their end, by native block comparison. Pure.

/** First block compared; doubled while blocks are equal, halved around the first difference. */
const blockBytes = 4096
const blockBytesMax = 256 * 1024

export function commonPrefix(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length)
  let equal = 0
  let block = blockBytes
  while (equal < length) {
    const end = Math.min(equal + block, length)
    if (a.compare(b, equal, end, equal, end) !== 0)
      return narrow(
        equal,
        end,
        (from, to) => a.compare(b, from, to, from, to) === 0,
        at => a[at] === b[at],
      )
    equal = end
    block = Math.min(block * 2, blockBytesMax)
  }
  return length
}

/** Of at most `limit` bytes, so that it cannot overlap the common prefix. */
export function commonSuffix(a: Buffer, b: Buffer, limit: number): number {
  const length = Math.min(a.length, b.length, limit)
  const same = (from: number, to: number): boolean =>
    a.compare(b, b.length - to, b.length - from, a.length - to, a.length - from) === 0
  let equal = 0
  let block = blockBytes
  while (equal < length) {
    const end = Math.min(equal + block, length)
    if (!same(equal, end)) return narrow(equal, end, same, at => a[a.length - 1 - at] === b[b.length - 1 - at])
    equal = end
    block = Math.min(block * 2, blockBytesMax)
  }
  return length
}

/** The first difference within [from, to), which is known to hold one. */
function narrow(
  from: number,
  to: number,
  same: (from: number, to: number) => boolean,
  sameByte: (at: number) => boolean,
): number {
  let low = from
  let high = to
  while (high - low > 64) {
    const middle = (low + high) >> 1
    if (same(low, middle)) low = middle
    else high = middle
  }
  while (low < high && sameByte(low)) low++
  return low
}
