// Trajectories on paper, for tests of what happens to them before they are written.

import type { Generation, Trajectory } from '../../convert/trajectory.ts'
import type { Block } from '../../core/types.ts'
import { assistant, text, usage, user } from './script.ts'

/** Of turn 9 when the id ends in 9, and so on; 11 tokens. */
export function generation(callId: string): Generation {
  return {
    callId,
    turn: Number(callId.slice(1)) || null,
    attempt: 1,
    model: 'model-a',
    startedAt: 1000,
    endedAt: 1001,
    stopReason: 'end_turn',
    usage: usage(10, 1),
    costNanoUsd: null,
    partial: false,
    unresolvedRetry: false,
    loggedTimes: 1,
  }
}

/** A question and an answer for each call. */
export function createTrajectory(
  id: string,
  calls: readonly string[],
  say: (call: string) => readonly Block[] = call => [text(call)],
): Trajectory {
  return {
    id,
    policy: 'readable',
    kind: 'root',
    side: null,
    lane: id,
    parent: null,
    protocol: 'anthropic-messages',
    model: 'model-a',
    maxTokens: null,
    metadata: null,
    system: [text('You are a test.')],
    tools: [],
    steps: calls.flatMap(call => [
      { message: user('go on'), generation: null, copied: false, tokens: null },
      { message: assistant(...say(call)), generation: generation(call), copied: false, tokens: null },
    ]),
    boundaries: [],
    breakReason: null,
    approximate: false,
    failed: [],
  }
}
