// `turnpike runs`: every run of the store, newest last.

import { listRuns } from '../listing.ts'
import { printListing } from '../listing-view.ts'
import type { CommandSpec } from './_command.ts'

export const runsCommand: CommandSpec = {
  usage: 'runs',
  group: 'Look into the store',
  summary: 'List runs, with calls, tokens and cost',
  keys: ['prices'],
  examples: ['turnpike runs', 'turnpike runs --store /data/turnpike --json'],
  run: context => printListing(context, listRuns, ['name', 'state', 'trials', 'simulated']),
}
