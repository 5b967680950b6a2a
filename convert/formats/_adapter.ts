// The contract of an output format: the trajectories of one scope in, JSON rows out. Pure; it never drops a generation, never marks one
// twice, and never invents an id, a signature or a number. _all.ts lists the formats; tests/conformance/formats.test.ts runs over them.

import type { JsonObject } from '../../core/types.ts'
import type { PolicyId, TrajectorySet } from '../trajectory.ts'

export interface OutputFormat {
  /** The file's name; its JSON Schema is schemas/<id>.schema.json beside it. */
  readonly id: string
  readonly title: string
  /** Without the dot. */
  readonly extension: string
  /** What a reader of this format will not find, in a sentence; null when it loses nothing of the canonical form. */
  readonly loses: string | null
  /** Policies whose trajectories it can express: a format without a place for the parent cannot hold `tree`. */
  readonly policies: readonly PolicyId[]
  /** Rows of the file, in order, one JSON document each. */
  readonly write: (set: TrajectorySet) => Iterable<JsonObject>
  /** The inverse, for formats that hold enough: writing what was read gives the same row. Throws E_BAD_FORMAT with what is wrong where. */
  readonly read?: (row: JsonObject) => TrajectorySet
  /** Ids of the generations that a row marks as generated, in order: how a test counts them without knowing the format. */
  readonly listGenerations: (row: JsonObject) => readonly string[]
}
