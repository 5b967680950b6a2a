// One trajectory per call: its whole context and its answer, whatever else was said before or after.

import { planCall, sortPlans } from '../row-plan.ts'
import { createTrajectoryBuilder } from '../trajectory-builder.ts'
import type { Policy } from './_adapter.ts'

export default {
  id: 'calls',
  title: 'one row per call, its context marked as copied',
  *build(tree, lanes) {
    const { build } = createTrajectoryBuilder(tree, lanes, 'calls')
    const plans = lanes.lanes.flatMap(lane =>
      lane.steps.flatMap(({ call, alternatives }, index) => [
        planCall(lane, call, { kind: 'call', failed: index === 0 ? lane.failed : [] }),
        ...alternatives.map(other => planCall(lane, other, { kind: 'call', repeats: 'all' })),
      ]),
    )
    for (const plan of sortPlans(plans)) yield build(plan)
  },
} satisfies Policy
