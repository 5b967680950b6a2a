// The order of a scope's calls: by time, then id, but no call before one that it goes on from. Logs stamp calls when they end, in ties, or
// out of turn; what a request contains is surer than any clock.

import { compareCalls, type LoadedCall } from './load.ts'

/** `findBefore`: calls that must come first. A ring of them, which only forged ids can make, is cut where it is entered. */
export function orderCalls(
  calls: readonly LoadedCall[],
  findBefore: (call: LoadedCall) => readonly LoadedCall[],
): readonly LoadedCall[] {
  const ordered: LoadedCall[] = []
  const seen = new Set<LoadedCall>()
  for (const call of [...calls].sort(compareCalls)) {
    const open = seen.has(call) ? [] : [{ call, before: findBefore(call), next: 0 }]
    seen.add(call)
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const before = top.before[top.next]
      top.next += 1
      if (before === undefined) {
        ordered.push(top.call)
        open.pop()
      } else if (!seen.has(before)) {
        seen.add(before)
        open.push({ call: before, before: findBefore(before), next: 0 })
      }
    }
  }
  return ordered
}
