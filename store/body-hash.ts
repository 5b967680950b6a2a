// SHA-256 of a growing conversation's bodies: goes on from a state of the hash that was saved where the last body's new part ended,
// so that hashing costs what is new and what stands after it.

import { createHash } from 'node:crypto'
import { digestOf } from './digest.ts'
import type { Parent, RecentBody } from './recent.ts'

/** Below this, hashing all of a body is cheaper than keeping states of the hash. */
const snapshotBytesMin = 32 * 1024

/** `anchors` are the places, rising, of which the states are kept for the next body. */
export function hashBody(
  sent: Buffer,
  parent: Parent | null,
  anchors: readonly number[],
): { readonly digest: Buffer; readonly snapshots: RecentBody['snapshots'] } {
  if (sent.length < snapshotBytesMin) return { digest: digestOf(sent), snapshots: [] }
  const usable = parent?.body.snapshots.filter(({ at }) => at <= parent.prefix) ?? []
  const start = usable.at(-1)
  const running = start ? start.hash.copy() : createHash('sha256')
  const snapshots = usable.filter(known => anchors.includes(known.at))
  let at = start?.at ?? 0
  for (const anchor of anchors) {
    if (anchor <= at) continue
    running.update(sent.subarray(at, anchor))
    at = anchor
    snapshots.push({ at, hash: running.copy() })
  }
  return { digest: running.update(sent.subarray(at)).digest(), snapshots }
}
