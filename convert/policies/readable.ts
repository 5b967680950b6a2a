// One trajectory per lane, as a person would read the conversation; answers nothing continued stand beside it as alternatives.
// Linear in what is new: a context that changed shows what it became, once.

import { nameLane, planAlternatives, type RowPlan, sortPlans } from '../row-plan.ts'
import { createTrajectoryBuilder } from '../trajectory-builder.ts'
import type { Policy } from './_adapter.ts'

export default {
  id: 'readable',
  title: 'one row per conversation, edits and compactions marked',
  *build(tree, lanes) {
    const { build } = createTrajectoryBuilder(tree, lanes, 'readable', { hasBoundaries: true })
    const plans = lanes.lanes.flatMap((lane): RowPlan[] => [
      {
        kind: lane.kind,
        lane: nameLane(lane),
        calls: lane.steps.map(({ call }, index) => ({ call, newFrom: index === 0 ? null : 0 })),
        failed: lane.failed,
        alternativeTo: null,
        repeats: 'parent',
        breakReason: null,
        approximate: false,
      },
      ...planAlternatives(lane, () => null),
    ])
    for (const plan of sortPlans(plans)) yield build(plan)
  },
} satisfies Policy
