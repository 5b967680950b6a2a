// The agent that does nothing: what a verifier passes for it, it passes for an empty pair of hands. The floor of every benchmark.

import type { AgentAdapter } from './_adapter.ts'

export default {
  id: 'nop',
  title: 'does nothing (what passes with it proves nothing)',
  protocols: [],
  needsModel: false,
  resumes: () => true,
  layer: null,
  drivers: ['process'],
  refuse: () => null,
  files: () => ({}),
  env: () => ({}),
  command: () => null,
  readSession: () => null,
} satisfies AgentAdapter
