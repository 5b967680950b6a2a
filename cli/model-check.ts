// Whether the models of a run have a way to a provider and its key, before the first trial starts. Between the plan of a run and its proxy; asks no
// provider anything.

import { isTurnpikeError } from '../core/errors.ts'
import type { Routes } from '../proxy/routes.ts'
import type { AgentSpec } from '../runner/agents/_adapter.ts'
import { findAgent } from '../runner/agents/_all.ts'
import { chooseProtocol } from '../runner/agents/_choices.ts'

/** Warnings. Throws E_KEY_MISSING: without a key every trial of an agent that calls its model would end at the first call. */
export function checkModels(agents: readonly AgentSpec[], routes: Pick<Routes, 'choose'>): string[] {
  const warnings = new Set<string>()
  for (const spec of agents) {
    const { protocols } = findAgent(spec.id)
    if (spec.model === null || protocols.length === 0) continue
    try {
      routes.choose({
        model: spec.model,
        // A program of somebody's own may speak whatever it likes.
        protocol: spec.id === 'command' ? null : chooseProtocol(spec, protocols),
        anthropicClient: false,
        needKey: true,
      })
    } catch (error) {
      // An agent may ask for it by another name, and a program of somebody's own may never ask for it here.
      const isDoubtful = isTurnpikeError(error) && (error.code === 'E_MODEL_UNKNOWN' || spec.id === 'command')
      if (!isDoubtful) throw error
      warnings.add(error.message)
    }
  }
  return [...warnings]
}
