// aider, a Python program: installed by its user (`pip install aider-chat`), found on the path. It calls no tools: edits are read from text.

import type { AgentAdapter } from './_adapter.ts'
import { needModel } from './_choices.ts'

export default {
  id: 'aider',
  title: 'aider, edits by text',
  protocols: ['openai-chat'],
  needsModel: true,
  resumes: () => true,
  layer: null,
  ownProgram: { name: 'aider', install: 'pip install aider-chat' },
  drivers: ['process'],
  refuse: needModel,
  files: () => ({}),
  env: ({ baseUrls, token, home }) => ({
    OPENAI_API_BASE: baseUrls.openai,
    OPENAI_API_KEY: token,
    // Prices that nobody asks for are not fetched at every start.
    LITELLM_LOCAL_MODEL_COST_MAP: 'True',
    // Its history is none of the workspace's files.
    AIDER_CHAT_HISTORY_FILE: `${home}/aider.chat.md`,
    AIDER_INPUT_HISTORY_FILE: `${home}/aider.input`,
  }),
  command: ({ instruction, continues }, { spec }) => ({
    argv: [
      ...['aider', '--model', `openai/${spec.model ?? ''}`, '--weak-model', `openai/${spec.model ?? ''}`],
      ...['--yes-always', '--no-check-update', '--analytics-disable', '--no-show-model-warnings', '--no-gitignore'],
      // With a yes to everything it would open each address that an instruction names.
      ...['--no-detect-urls', '--no-auto-commits', ...(continues ? ['--restore-chat-history'] : []), `--message=${instruction}`],
    ],
  }),
  readSession: () => null,
  traps: [
    'Where the workspace is no git repository it makes one there, and leaves `.aider*` files in it: such a trial begins anew when it is resumed.',
    'It goes on from a text of its conversation, not from the messages themselves: the history is not the one that was sent.',
  ],
  untested: 'a Python program; written by its documentation (0.86)',
} satisfies AgentAdapter
