// OpenHands' command line, a Python program: installed by its user (`uv tool install openhands`), found on the path.

import type { AgentAdapter } from './_adapter.ts'
import { needModel } from './_choices.ts'

export default {
  id: 'openhands',
  title: 'OpenHands, its command line',
  protocols: ['openai-chat'],
  needsModel: true,
  resumes: () => true,
  layer: null,
  ownProgram: { name: 'openhands', install: 'uv tool install openhands --python 3.12' },
  drivers: ['process', 'acp'],
  serve: () => ({ argv: ['openhands', 'acp', '--override-with-envs'] }),
  refuse: needModel,
  files: () => ({}),
  env: ({ baseUrls, token, spec, workspace }) => ({
    LLM_MODEL: `openai/${spec.model ?? ''}`,
    LLM_BASE_URL: baseUrls.openai,
    LLM_API_KEY: token,
    OPENHANDS_WORK_DIR: workspace,
    OPENHANDS_SUPPRESS_BANNER: '1',
    // Prices that nobody asks for are not fetched at every start.
    LITELLM_LOCAL_MODEL_COST_MAP: 'True',
  }),
  // The last conversation of the trial's own home is the one to go on with.
  command: ({ instruction, continues }) => ({
    argv: [
      ...['openhands', '--headless', '--json', '--override-with-envs'],
      ...(continues ? ['--resume', '--last'] : []),
      `--task=${instruction}`,
    ],
  }),
  readSession: () => null,
  traps: ['Its variables count only with `--override-with-envs`.'],
  untested: 'a Python program; written by its documentation (2026-11)',
} satisfies AgentAdapter
