// `turnpike sessions`: what stand-alone recording has gathered, newest last.

import { listSessions } from '../listing.ts'
import { printListing } from '../listing-view.ts'
import type { CommandSpec } from './_command.ts'

export const sessionsCommand: CommandSpec = {
  usage: 'sessions',
  group: 'Look into the store',
  summary: 'List recorded sessions, with calls, tokens and cost',
  keys: ['prices'],
  examples: ['turnpike sessions', 'turnpike sessions --json | jq ".[].tokens"'],
  run: context => printListing(context, listSessions, ['name', 'source', 'agent_session']),
}
