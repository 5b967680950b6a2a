// Stamina as printed: StaminaBench's plain mean, and the Kaplan-Meier estimate that may be used when trials were stopped.
// Pure. A stopped trial is never counted as failed there, nor left out: that would bend the mean downwards.

import type { Metric } from '../core/report.ts'
import { meanMetric } from './estimates.ts'
import type { Grid, GridTrial } from './grid.ts'
import { type BootstrapOptions, bootstrap, fewClusters } from './intervals.ts'
import { trialStamina } from './outcomes.ts'
import { kaplanMeier, observeTrial, restrictedMean } from './survival.ts'

export function survivalMetrics(grid: Grid, options: BootstrapOptions): Metric[] {
  const lengths = grid.flatMap(task => task.trials.map(trial => trial.cells.length))
  const horizon = Math.min(...lengths)
  const plain = meanMetric(
    grid,
    {
      name: 'stamina',
      label: 'stamina',
      unit: 'turns',
      scale: 1,
      read: trialStamina,
      max: Math.max(0, ...lengths),
      strict: true,
      note: 'turns passed before the first that was not',
    },
    options,
  )
  const survived = (sample: ReadonlyArray<readonly GridTrial[]>): number | null => {
    const seen = sample
      .flat()
      .map(observeTrial)
      .filter(one => one !== null)
    return seen.length === 0 ? null : restrictedMean(kaplanMeier(seen), horizon)
  }
  const trials = grid.map(task => task.trials)
  const value = survived(trials)
  const observed = trials.flat().filter(trial => observeTrial(trial) !== null).length
  const estimate: Metric = {
    name: 'stamina_km',
    label: Number.isFinite(horizon) ? `stamina within ${horizon}` : 'stamina, censored',
    unit: 'turns',
    score:
      value === null
        ? { kind: 'unscored', reason: 'no trial had a scored first turn' }
        : { kind: 'scored', value, denominator: observed },
    denominatorName: 'trials',
    planned: lengths.length,
    interval: grid.length < fewClusters ? null : bootstrap(trials, survived, options),
    bounds: null,
    note: 'Kaplan-Meier, infrastructure and budget stops censored: turns survived within the shortest task',
  }
  return [plain, estimate]
}
