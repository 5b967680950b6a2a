// One trajectory per call: its whole request and its answer, whatever else was said before or after.

import { createTrajectoryBuilder } from '../trajectory-builder.ts'
import type { Policy } from './_adapter.ts'

export default {
  id: 'calls',
  title: 'one row per call',
  *build(tree, { lanes }) {
    const build = createTrajectoryBuilder(tree, 'calls')
    for (const lane of lanes) {
      const calls = lane.steps.flatMap(step => [step.call, ...step.alternatives])
      for (const [index, call] of calls.entries())
        yield build('call', [{ call, alternatives: [] }], index === 0 ? lane.failed : [], lane.steps[0]?.call.call.id)
    }
  },
} satisfies Policy
