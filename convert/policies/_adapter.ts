// The contract of a policy: what counts as one conversation. Call tree and lanes in, trajectories out; pure, the same for the same calls
// in any order. Every generation of the tree is on exactly one step of exactly one trajectory. _all.ts lists the policies.

import type { PolicyId, Trajectory } from '../trajectory.ts'
import type { Lanes } from '../tree/lanes.ts'
import type { CallTree } from '../tree/tree.ts'

export interface Policy {
  /** The file's name. */
  readonly id: PolicyId
  /** What one row is, in a sentence. */
  readonly title: string
  /** In the order of their first call. Lazily: one trajectory of a large scope is in memory at a time. */
  readonly build: (tree: CallTree, lanes: Lanes) => Iterable<Trajectory>
}
