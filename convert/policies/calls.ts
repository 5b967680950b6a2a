// One trajectory per call: its whole request and its answer, whatever else was said before or after.

import { createTrajectoryBuilder } from '../trajectory-builder.ts'
import type { Policy } from './_adapter.ts'

export default {
  id: 'calls',
  title: 'one row per call',
  *build(tree, { lanes }) {
    const build = createTrajectoryBuilder(tree, 'calls')
    for (const lane of lanes) {
      const steps = lane.steps.flatMap(step => [step, ...step.alternatives.map(call => ({ ...step, call, alternatives: [] }))])
      for (const [index, step] of steps.entries())
        yield build('call', [step], index === 0 ? lane.failed : [], lane.steps[0]?.call.call.id)
    }
  },
} satisfies Policy
