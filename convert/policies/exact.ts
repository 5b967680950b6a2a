// Rows in which every context is, word for word, what the model saw when it answered: a lane, cut wherever that would not be so.

import { readContinuation } from '../continuation.ts'
import { sortPlans } from '../row-plan.ts'
import { planSegments } from '../segments.ts'
import { createTrajectoryBuilder } from '../trajectory-builder.ts'
import type { Policy } from './_adapter.ts'

export default {
  id: 'exact',
  title: 'one row per stretch of a conversation that the model saw exactly so',
  *build(tree, lanes) {
    const { build } = createTrajectoryBuilder(tree, lanes, 'exact')
    const plans = planSegments(tree, lanes, {
      readJoint: (before, call) => {
        const { reason, known } = readContinuation(tree, before, call)
        return { breakReason: reason, known, isApproximate: false }
      },
    })
    for (const plan of sortPlans(plans)) yield build(plan)
  },
} satisfies Policy
