// One trajectory per lane, as a person would read the conversation; answers nothing continued stand beside it as alternatives.

import { createTrajectoryBuilder } from '../trajectory-builder.ts'
import type { Policy } from './_adapter.ts'

export default {
  id: 'readable',
  title: 'one row per conversation, edits and compactions marked',
  *build(tree, { lanes }) {
    const build = createTrajectoryBuilder(tree, 'readable')
    for (const lane of lanes) {
      yield build(lane.kind, lane.steps, lane.failed)
      for (const step of lane.steps)
        for (const call of step.alternatives)
          yield build(
            'alternative',
            [{ call, alternatives: [], unresolvedRetry: step.unresolvedRetry }],
            [],
            lane.steps[0]?.call.call.id,
          )
    }
  },
} satisfies Policy
