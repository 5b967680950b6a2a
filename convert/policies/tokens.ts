// As exact, on token ids that the server returned: a call goes on in the row of the one before when its prompt begins with that one's
// prompt and answer, id for id. Ids are never made here: calls that came without them stand in rows of their own, without tokens.

import { readContinuation } from '../continuation.ts'
import { type RowPlan, sortPlans } from '../row-plan.ts'
import { type Joint, planSegments } from '../segments.ts'
import type { Trajectory, TrajectoryStep } from '../trajectory.ts'
import { createTrajectoryBuilder } from '../trajectory-builder.ts'
import type { CallTree, TreeCall } from '../tree.ts'
import type { Policy } from './_adapter.ts'

export default {
  id: 'tokens',
  title: 'one row per stretch of token ids that the server returned',
  *build(tree, lanes) {
    const { build } = createTrajectoryBuilder(tree, lanes, 'tokens')
    const plans = planSegments(tree, lanes, {
      readJoint: (before, call) => readJoint(tree, before, call),
      readBeginning: call => (call.call.tokens === null ? 'tokens-missing' : null),
    })
    for (const plan of sortPlans(plans)) yield addTokens(tree, plan, build(plan))
  },
} satisfies Policy

function readJoint(tree: CallTree, before: TreeCall, call: TreeCall): Joint {
  const { reason, known } = readContinuation(tree, before, call)
  const [said, saw] = [before.call.tokens, call.call.tokens]
  // Calls without ids keep together, so that a conversation that has none is as long as it was.
  if (said === null || saw === null)
    return { breakReason: said === saw && reason === null ? null : 'tokens-missing', known, isApproximate: false }
  // What the model read decides: a text that was trimmed and comes out as the same ids is no other text.
  const isContiguous = tree.scope.tokens.begins(saw.prompt, said.prompt, said.answer)
  return { breakReason: isContiguous ? null : (reason ?? 'tokens-not-contiguous'), known, isApproximate: false }
}

/** The ids between two answers stand on the last context step before the second. */
function addTokens(tree: CallTree, plan: RowPlan, row: Trajectory): Trajectory {
  const steps: TrajectoryStep[] = []
  let at = 0
  let covered = 0
  for (const step of row.steps) {
    const tokens = step.generation === null ? null : (plan.calls[at]?.call.call.tokens ?? null)
    if (step.generation !== null) at += 1
    if (tokens === null) {
      steps.push(step)
      continue
    }
    const ids = tree.scope.tokens.read(tokens.prompt, covered, tokens.prompt.length)
    const before = steps.at(-1)
    if (before !== undefined && before.generation === null)
      steps[steps.length - 1] = { ...before, tokens: { ids, logprobs: null } }
    else if (ids.length > 0) steps.push(writeUnspoken(ids))
    steps.push({ ...step, tokens: { ids: [...tokens.answer], logprobs: tokens.logprobs } })
    covered = tokens.prompt.length + tokens.answer.length
  }
  return { ...row, steps }
}

/** Ids that no message stands for: what a template puts between two answers. */
function writeUnspoken(ids: readonly number[]): TrajectoryStep {
  return { message: { role: 'user', blocks: [] }, generation: null, copied: false, tokens: { ids, logprobs: null } }
}
