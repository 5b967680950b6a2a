// What replaying requests and replaying WebSockets have in common: the options, and what is counted. Types only.

import type { ReplayLibrary } from './library.ts'
import type { MatchRule } from './match.ts'
import type { ReplayTiming } from './playback.ts'

export interface ReplayOptions {
  readonly library: ReplayLibrary
  /** What happens to a request that no recorded exchange answers: a clear error, or on to the provider. */
  readonly onMiss: 'fail' | 'forward'
  readonly timing: ReplayTiming
}

export type ReplayCounts = Record<MatchRule | 'missed' | 'forwarded', number>
