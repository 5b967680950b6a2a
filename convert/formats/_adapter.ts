// The contract of an output format: a trajectory in, one JSON row out. Pure; it never drops a generation, never marks one twice,
// and never invents an id, a signature or a number. _all.ts lists the formats; tests/conformance/formats.test.ts runs over them.

import type { JsonObject } from '../../core/types.ts'
import type { Trajectory } from '../trajectory.ts'

export interface OutputFormat {
  /** The file's name. */
  readonly id: string
  readonly title: string
  /** Without the dot. */
  readonly extension: string
  /** What a reader of this format will not find, in a sentence; null when it loses nothing of the canonical form. */
  readonly loses: string | null
  /** One row of the file. */
  readonly write: (trajectory: Trajectory) => JsonObject
  /** Ids of the generations that a row marks as generated, in order: how a test counts them without knowing the format. */
  readonly listGenerations: (row: JsonObject) => readonly string[]
}
