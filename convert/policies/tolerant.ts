// As exact, but an answer that the client sent back rewritten (trimmed, with default arguments added) does not cut a row: it stands there
// as it was generated, and the row says that it is approximate.

import { readContinuation } from '../continuation.ts'
import { sortPlans } from '../row-plan.ts'
import { planSegments } from '../segments.ts'
import { createTrajectoryBuilder } from '../trajectory-builder.ts'
import type { Policy } from './_adapter.ts'

export default {
  id: 'tolerant',
  title: 'as exact, but rewritten answers do not cut a row',
  *build(tree, lanes) {
    const { build } = createTrajectoryBuilder(tree, lanes, 'tolerant')
    const plans = planSegments(tree, lanes, {
      readJoint: (before, call) => {
        const { reason, known } = readContinuation(tree, before, call)
        const isApproximate = reason === 'answer-rewritten'
        return { breakReason: isApproximate ? null : reason, known, isApproximate }
      },
    })
    for (const plan of sortPlans(plans)) yield build(plan)
  },
} satisfies Policy
