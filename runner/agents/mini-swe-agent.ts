// mini-swe-agent, a Python program: installed by its user (`pip install mini-swe-agent`), found on the path. Every run of it is a
// conversation of its own.

import type { AgentAdapter } from './_adapter.ts'
import { needModel } from './_choices.ts'

export default {
  id: 'mini-swe-agent',
  title: 'mini-swe-agent, bash and nothing else',
  protocols: ['openai-chat'],
  needsModel: true,
  resumes: () => false,
  layer: null,
  ownProgram: { name: 'mini', install: 'pip install mini-swe-agent' },
  drivers: ['process'],
  refuse: needModel,
  files: () => ({}),
  env: ({ baseUrls, token }) => ({
    OPENAI_API_KEY: token,
    OPENAI_API_BASE: baseUrls.openai,
    OPENAI_BASE_URL: baseUrls.openai,
    MSWEA_CONFIGURED: 'true',
    MSWEA_COST_TRACKING: 'ignore_errors',
    // Prices that nobody asks for are not fetched at every start.
    LITELLM_LOCAL_MODEL_COST_MAP: 'True',
  }),
  command: ({ instruction }, { spec, home }) => ({
    argv: [
      ...['mini', '--yolo', '--exit-immediately', '--cost-limit', '0', '--model', `openai/${spec.model ?? ''}`],
      ...['--output', `${home}/mini-swe-agent.json`, `--task=${instruction}`],
    ],
  }),
  readSession: () => null,
  traps: ['It cannot continue a conversation: tasks of several turns need --fresh-session.'],
  untested: 'a Python program; written by its documentation (2.4.6)',
} satisfies AgentAdapter
