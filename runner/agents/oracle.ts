// The agent that runs the reference solutions: every turn of a sound task passes with it. The ceiling of every benchmark.

import type { AgentAdapter } from './_adapter.ts'

export default {
  id: 'oracle',
  title: 'runs the reference solution of each turn',
  protocols: [],
  needsModel: false,
  resumes: () => true,
  layer: null,
  drivers: ['process'],
  refuse: () => null,
  files: () => ({}),
  env: () => ({}),
  command: request => (request.solution === null ? null : { argv: request.solution }),
  readSession: () => null,
} satisfies AgentAdapter
