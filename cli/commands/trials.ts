// `turnpike trials`: the trials of all runs or of one, in the order they were planned.

import { listTrials } from '../listing.ts'
import { printListing } from '../listing-view.ts'
import type { CommandSpec } from './_command.ts'

export const trialsCommand: CommandSpec = {
  usage: 'trials [run]',
  group: 'Look into the store',
  summary: 'List trials, with outcome, calls, tokens and cost',
  keys: ['prices'],
  examples: ['turnpike trials latest', 'turnpike trials --json'],
  run: context =>
    printListing(context, store => listTrials(store, context.arguments[0] ?? null), ['name', 'model', 'state', 'outcome']),
}
